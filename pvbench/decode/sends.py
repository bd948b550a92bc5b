"""The sends of a program: which CPUs its ops interrupt, and how a hypervisor finds them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from pvbench.decode.apic_ids import Cpus
from pvbench.guest import Guest
from pvbench.x86.apic import NMI_VECTOR

_NO_CPUS: Final[Cpus] = np.empty(0, np.int64)


class Route(IntEnum):
    """How a hypervisor finds the targets of a send, which determines the cost."""

    PHYSICAL = 0  # one look-up
    LOGICAL = 1  # up to 16 candidates
    SELF_REGISTER = 2  # the x2APIC's SELF IPI register
    SELF = 3  # the shorthand
    BROADCAST = 4  # "all", "all but self", broadcast ID: every vCPU is matched
    HYPERCALL = 5
    KERNEL = 6  # chosen by the running kernel
    FAULT = 7  # reaches no CPU: #GP, illegal vector, error return
    NOTHING = 8  # sends no IPI: another MSR, or a hypercall for something else


class Sends(NamedTuple):
    """
    Consecutive ops of one route and vector.

    Args:
        first: index of the first op in the program.
        ops: number of ops.
        cpus: CPU numbers that are interrupted, in delivery order.
        op_of_hit: the op of each interrupt, counted from *first*; None if ops is 1.
        result: return value of a hypercall.
        error: reason why no CPU is reached.
        raises: the ops raise #GP.
    """

    first: int
    ops: int
    route: Route
    vector: int
    cpus: Cpus
    op_of_hit: Cpus | None = None
    result: int | None = None
    error: str | None = None
    raises: bool = False


def counted(sends: list[Sends]) -> tuple[int, int]:
    """Count the ICR writes and hypercalls of a program; only a hypercall has a result."""
    hypercalls = sum(send.result is not None for send in sends)
    others = (Route.KERNEL, Route.NOTHING)
    icr_writes = (s.ops for s in sends if s.result is None and s.route not in others)
    return sum(icr_writes), hypercalls


def one(first: int, route: Route, vector: int, cpus: Cpus, result: int | None = None) -> Sends:
    """Return the sends of one op."""
    return Sends(first=first, ops=1, route=route, vector=vector, cpus=cpus, result=result)


def nothing(
    first: int, ops: int, result: int | None = None, *, error: str | None = None
) -> Sends:
    """Return *ops* ops from *first* on that do something else than to send."""
    return Sends(first, ops, Route.NOTHING, 0, _NO_CPUS, result=result, error=error)


def fault(
    first: int, ops: int, why: str, result: int | None = None, *, raises: bool = False
) -> Sends:
    """Return *ops* ops from *first* on that reach no CPU, and *why*."""
    return Sends(
        first=first,
        ops=ops,
        route=Route.FAULT,
        vector=0,
        cpus=_NO_CPUS,
        result=result,
        error=why,
        raises=raises,
    )


def without_disabled(send: Sends, disabled: frozenset[int], guest: Guest) -> Sends:
    """
    *send* as it is while software has disabled the APICs of some CPUs.

    Such an APIC drops fixed interrupts and accepts an NMI, which Linux ignores on a CPU
    that is offline.  KVM leaves the APIC out of the map of logical IDs of xAPIC mode.
    """
    is_mapped = send.route is not Route.LOGICAL or guest.apic_mode == "x2apic"
    ignoring = guest.offline if send.vector == NMI_VECTOR and is_mapped else disabled
    keep = ~np.isin(send.cpus, list(ignoring))
    if keep.all():
        return send
    op_of_hit = None if send.op_of_hit is None else send.op_of_hit[keep]
    return send._replace(cpus=send.cpus[keep], op_of_hit=op_of_hit)
