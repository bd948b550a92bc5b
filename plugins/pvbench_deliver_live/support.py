"""Decide whether live can run on a machine, and which tasks it can run there."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from pvbench.delivery import Task
from pvbench.errors import PvbenchError
from pvbench.guest import Guest, HostIds
from pvbench.host import cpuinfo
from pvbench.topology import host_ids_in
from pvbench.validators import ints
from pvbench_deliver_live import membarrier
from pvbench_deliver_live.interrupts import Interrupts

CPUINFO: Final = "proc/cpuinfo"
INTERRUPTS: Final = "proc/interrupts"


@attrs.frozen(kw_only=True)
class Cpus:
    """
    `Description.worker_data`: the CPUs of a machine.

    Args:
        apic_ids: APIC IDs of those online, in the kernel's order.
        numbers: the kernel's numbers of the same CPUs.
        usable: numbers of those that this process may use.
    """

    apic_ids: tuple[int, ...] = attrs.field(converter=ints)
    numbers: tuple[int, ...] = attrs.field(converter=ints)
    usable: tuple[int, ...] = attrs.field(converter=ints)

    def encoded(self) -> bytes:
        """The CPUs as worker data; `cpus_of` is the inverse."""
        return json.dumps(attrs.asdict(self)).encode()


def cpus_of(worker_data: bytes) -> Cpus:
    """The CPUs that *worker_data* carries."""
    return Cpus(**json.loads(worker_data))


def numbers(root: Path) -> tuple[int, ...]:
    """The kernel's number of each guest CPU: those online, in the order it lists them."""
    return cpuinfo.read_or_empty(root / CPUINFO).numbers("processor")


def host_ids(root: Path) -> HostIds:
    """
    The APIC IDs of the guest ``host``.

    membarrier(2) needs none.  Where the kernel does not show them, the numbers of the CPUs
    stand in their place, and the reason is given.
    """
    ids = host_ids_in(root / CPUINFO)
    return ids if ids.ids else attrs.evolve(ids, ids=numbers(root))


def why_unavailable(root: Path, usable: set[int]) -> str | None:
    """Why this machine cannot run the delivery; None if it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "live needs Linux on x86-64"
    if reason := membarrier.why_unavailable():
        return reason
    if len(usable) < 2:
        return "live needs two CPUs, but this process may use only one"
    if not (ids := host_ids(root)).ids:
        return ids.reason
    try:
        with Interrupts.opened(root / INTERRUPTS) as interrupts:
            interrupts.calls()
    except PvbenchError as lacking:
        return f"{lacking.what}: {lacking.why}"  # without the fix, which is for other commands
    return None


def cpus_here(root: Path, usable: set[int]) -> Cpus:
    """The CPUs of this machine."""
    return Cpus(apic_ids=host_ids(root).ids, numbers=numbers(root), usable=sorted(usable))


def why_unsupported(guest: Guest, task: Task, cpus: Cpus) -> str | None:
    """
    Why the delivery cannot run *task* in *guest* on a machine with *cpus*; None if it can.
    """
    if reasons := list(_missing(guest, task, cpus.apic_ids)):
        return (
            f"live times only the IPIs of this kernel on this machine: add {' '.join(reasons)}"
        )
    if guest.host_cpus or guest.bits != 64:
        return "live cannot change this machine: drop --host-cpus and --bits"
    if len(task.bursts) > 1:
        return (
            "/proc/interrupts does not tell the IPIs of several sources apart: use one source"
        )
    needed = {burst.source for burst in task.bursts}.union(*task.reached)
    if missing := sorted({cpus.numbers[cpu] for cpu in needed}.difference(cpus.usable)):
        return f"this process may not use CPU {missing[0]}"
    return None


def _missing(guest: Guest, task: Task, apic_ids: tuple[int, ...]) -> Iterator[str]:
    """The options that the command line lacks."""
    if task.mechanism != "kernel":
        yield "--sender kernel"
    if guest.apic_ids != apic_ids or guest.offline or guest.logical_ids or guest.vp_indexes:
        yield "--guest host"
    if task.target_state != "running":  # idle CPUs run no thread of ours
        yield "--targets running"
