"""
Linux's dispatch: which callback of a stack sends a burst, and the CPUs it must reach.

Source: Linux, kernel/smp.c and arch/x86/kernel/apic/ipi.c, native_send_call_func_ipi().
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import Final

import attrs

from pvbench.guest import Guest
from pvbench.linux_era import NO_IPI_IF_POLLING, UNICAST_OF_REST, LinuxEra
from pvbench.ops import Burst, Program
from pvbench.sender import Apic, Ops, Stack

# Of a burst: callbacks that never end must not fill memory.
_MOST_OPS: Final = 1000
_MOST_OPS_PER_CPU: Final = 10


def polling_cpus(target_state: str, sources: Iterable[int], guest: Guest) -> frozenset[int]:
    """The CPUs whose idle loop polls: all but the *sources*, if targets are ``polling``."""
    return frozenset(guest.cpus) - set(sources) if target_state == "polling" else frozenset()


def uninterrupted(cpus: frozenset[int], linux: LinuxEra) -> frozenset[int]:
    """Return those of the polling *cpus* that Linux does not interrupt as an only target."""
    return cpus if linux.follows(NO_IPI_IF_POLLING) else frozenset()


def rest_of(burst: Burst, cpus: tuple[int, ...], linux: LinuxEra) -> Burst:
    """
    Return what is sent of a function call to several CPUs of which *cpus* have an empty queue.

    Before `UNICAST_OF_REST` a mask with one CPU is a mask.
    """
    if len(cpus) == 1 and not linux.follows(UNICAST_OF_REST):
        return attrs.evolve(burst, operation="send_IPI_mask", targets=cpus)
    return attrs.evolve(burst, targets=cpus)


def spared(burst: Burst, guest: Guest, polling: Collection[int]) -> tuple[int, ...]:
    """
    Return the CPU that runs a call without an interrupt because its idle loop polls.

    That is an only target among the *polling* CPUs of `uninterrupted`.  One of several
    polling CPUs is interrupted.
    """
    cpus = reached(burst, guest) if polling and burst.protocol == "csd" else ()
    return cpus if len(cpus) == 1 and cpus[0] in polling else ()


def reached(
    burst: Burst, guest: Guest, polling: Collection[int] = frozenset()
) -> tuple[int, ...]:
    """
    Return the CPUs that must run the handler because of an interrupt, ascending.

    An smp_call_* function runs on its own CPU as a plain call, without an interrupt, and
    so it does on the CPU that `spared` gives for those that are *polling*.
    """
    if polling and spared(burst, guest, polling):
        return ()
    if burst.operation == "send_IPI_all":
        return guest.online
    if burst.operation == "send_IPI_self":
        return (burst.source,)
    if burst.operation == "send_IPI_allbutself":
        return guest.others(burst.source)
    if burst.operation in ("send_IPI", "send_IPI_mask"):
        return burst.targets
    return tuple(cpu for cpu in burst.targets if cpu != burst.source)


@attrs.frozen
class Sent:
    """Ops of a burst, and the overlay callbacks that contributed to them."""

    program: Program
    overlaid: frozenset[str]


def program(
    stack: Stack,
    burst: Burst,
    guest: Guest,
    *,
    linux: LinuxEra,
    polling: Collection[int] = frozenset(),
) -> Sent:
    """
    Return the ops that a guest with the kernel *linux* executes for *burst*.

    First comes Linux's dispatch, then the stack.

    Source: Linux, kernel/smp.c and arch/x86/kernel/apic/ipi.c,
    native_send_call_func_ipi().
    """
    apic = Apic(stack, guest, burst.source, linux=linux)
    limit = max(_MOST_OPS, _MOST_OPS_PER_CPU * len(guest.apic_ids))
    ops = tuple(islice(_dispatch(apic, burst, reached(burst, guest, polling)), limit + 1))
    if len(ops) > limit:
        raise ValueError(f"it gives more than {limit} ops for one burst")
    return Sent(ops, frozenset(apic.overlaid))


def _dispatch(apic: Apic, burst: Burst, cpus: tuple[int, ...]) -> Ops:
    if not cpus:
        return iter(())
    if burst.protocol == "csd":
        return _call_function(apic, burst, cpus)
    if burst.operation == "send_IPI":
        return apic.send_IPI(cpus[0], burst.vector)
    callback: Callable[..., Ops] = getattr(apic, burst.operation)
    if burst.operation in ("send_IPI_mask", "send_IPI_mask_allbutself"):
        return callback(burst.targets, burst.vector)
    return callback(burst.vector)


def _call_function(apic: Apic, burst: Burst, cpus: tuple[int, ...]) -> Ops:
    if len(cpus) == 1:
        return apic.send_call_func_single_ipi(cpus[0], burst.single_vector)
    if len(cpus) == len(apic.guest.online) - 1:
        return apic.send_IPI_allbutself(burst.vector)
    return apic.send_IPI_mask(cpus, burst.vector)
