"""The sending side: what an op program costs its CPU, and when targets are served."""

from __future__ import annotations

from typing import NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.decode import Decoder, Route, Sends
from pvbench.ops import (
    Fence,
    Hypercall,
    IrqRestore,
    IrqSave,
    MmioWrite,
    Op,
    Program,
    Scan,
    WaitIcrIdle,
    WriteMem,
    WrMsr,
)
from pvbench.topology import Guest
from pvbench.x86.apic import NMI_VECTOR
from pvbench_deliver_model.profile import Profile

I64 = npt.NDArray[np.int64]

# One op that names each CPU once at most: bitmaps, everybody, oneself.
_DISTINCT = frozenset({Route.HYPERCALL, Route.BROADCAST, Route.SELF, Route.SELF_REGISTER})


class Arrivals(NamedTuple):
    """
    Interrupts of one vector.

    Args:
        at: when they reach their CPU, ascending.
        distinct: no CPU is known to be named twice.
    """

    vector: int
    at: I64
    cpus: I64
    distinct: bool = False


@attrs.define(eq=False)
class Timeline:
    """
    One execution of a program.

    Args:
        end: when it was over.
        irqs_off: when interrupts first went off; None if they never did.
        irqs_on: when they last came back.
    """

    end: int
    irqs_off: int | None = None
    irqs_on: int = 0
    arrivals: list[Arrivals] = attrs.field(factory=list)
    icr_writes: int = 0
    hypercalls: int = 0
    returned: int = 0
    exits: int = 0


class Sending:
    """Costs of ops on one CPU of a guest."""

    def __init__(self, guest: Guest, source: int, profile: Profile) -> None:
        self._decoder = Decoder(guest, source)
        self._vcpus = len(guest.apic_ids)
        ps = profile.ps
        access = ps("apic_access" if profile.apicv else "mmio_exit")
        self._op_ps: dict[type[Op], int] = {
            IrqSave: ps("irq_toggle"),
            IrqRestore: ps("irq_toggle"),
            Fence: ps("fence"),
            WriteMem: ps("store"),
            WaitIcrIdle: access,
            MmioWrite: access,
        }
        self._access_exits = int(not profile.apicv)
        self._scan_ps = ps("scan_cpu")
        self._entry_share = profile.ratios["exit_entry_share"].ps
        self._per_hit = dict.fromkeys(Route, ps("deliver_target"))
        self._per_hit[Route.LOGICAL] += ps("deliver_logical")
        self._per_hit[Route.BROADCAST] += ps("match_vcpu")
        self._match_ps = ps("match_vcpu")
        senders: tuple[type[Op], ...] = (WrMsr, MmioWrite, Hypercall)
        self._exits = {
            (sender, route, nmi): _exit(profile, sender, route, nmi=nmi)
            for sender in senders
            for route in Route
            for nmi in (False, True)
        }

    def run(self, program: Program, start: int) -> Timeline:
        """Decode and execute *program*, from *start* on."""
        line = Timeline(end=start)
        position = 0
        for send in self._decoder.sends(program):
            self._between(program[position : send.first], line)
            self._send(send, type(program[send.first]), line)
            position = send.first + send.ops
        self._between(program[position:], line)
        line.arrivals = _merged(line.arrivals)
        return line

    def _between(self, ops: Program, line: Timeline) -> None:
        """Ops that interrupt nobody."""
        for op in ops:
            kind = type(op)
            if kind is IrqSave and line.irqs_off is None:
                line.irqs_off = line.end
            if isinstance(op, Scan):
                line.end += self._scan_ps * op.cpus
            else:
                line.end += self._op_ps[kind]
            if kind is IrqRestore:
                line.irqs_on = line.end
            elif kind in (WaitIcrIdle, MmioWrite):
                line.exits += self._access_exits

    def _send(self, send: Sends, sender: type[Op], line: Timeline) -> None:
        exit_ps, exiting = self._exits[sender, send.route, send.vector == NMI_VECTOR]
        line.end = self._serve(send, line.end, exit_ps, line.arrivals)
        line.exits += send.ops * exiting
        if sender is Hypercall:
            line.hypercalls += 1
            line.returned += send.result or 0
        else:
            line.icr_writes += send.ops

    def _serve(self, send: Sends, clock: int, exit_ps: int, arrivals: list[Arrivals]) -> int:
        """Serve the targets of *send*, begun at *clock*; returns its end."""
        hits = len(send.cpus)
        per_hit = self._per_hit[send.route]
        if hits:
            first = clock + int(exit_ps * self._entry_share) + per_hit
            at = np.arange(hits) * per_hit
            at += first
            if send.op_of_hit is not None:
                at += send.op_of_hit * exit_ps
            distinct = send.route in _DISTINCT
            arrivals.append(Arrivals(send.vector, at, send.cpus, distinct))
        end = clock + exit_ps * send.ops + per_hit * hits
        if send.route is Route.BROADCAST:
            end += (self._vcpus - hits) * self._match_ps
        return end


def _exit(profile: Profile, sender: type[Op], route: Route, *, nmi: bool) -> tuple[int, bool]:
    """(cost in ps, does it exit) of an op that sends, without its targets."""
    ps = profile.ps
    if sender is Hypercall:
        return ps("hypercall"), True
    if route is Route.FAULT:
        return ps("fault"), True
    by_apicv = route is Route.SELF_REGISTER or (sender is MmioWrite and route is Route.SELF)
    if by_apicv and profile.apicv and not nmi:
        return ps("apic_access"), False
    if sender is MmioWrite:
        return ps("icr_write") + ps("xapic_surcharge"), True
    fast = {
        "none": False,
        "physical": route is Route.PHYSICAL and not nmi,
        # what the APIC map can look up
        "any": route in (Route.PHYSICAL, Route.LOGICAL, Route.SELF),
    }[profile.icr_fastpath]
    return ps("icr_write_fastpath" if fast else "icr_write"), True


def _merged(arrivals: list[Arrivals]) -> list[Arrivals]:
    """Neighbours of one vector as one."""
    if len(arrivals) < 2 or len({a.vector for a in arrivals}) > 1:
        return arrivals
    at = np.concatenate([a.at for a in arrivals])
    cpus = np.concatenate([a.cpus for a in arrivals])
    return [Arrivals(arrivals[0].vector, at, cpus)]
