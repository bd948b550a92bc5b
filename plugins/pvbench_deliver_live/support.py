"""Decide whether live can run on a machine, and which tasks it can run there."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pvbench.delivery import Task
from pvbench.errors import PvbenchError
from pvbench.guest import Guest, host
from pvbench.host import cpuinfo
from pvbench_deliver_live import membarrier
from pvbench_deliver_live.interrupts import Interrupts

CPUINFO: Final = "proc/cpuinfo"
INTERRUPTS: Final = "proc/interrupts"


def numbers(root: Path) -> tuple[int, ...]:
    """The kernel's number of each guest CPU: those online, in the order it lists them."""
    return cpuinfo.read(root / CPUINFO).numbers("processor")


def why_unavailable(root: Path, usable: set[int]) -> str | None:
    """Why this machine cannot run it; None if it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "live needs Linux on x86-64"
    if reason := membarrier.why_unavailable():
        return reason
    if len(usable) < 2:
        return "live needs two CPUs, but this process may use only one"
    try:
        host(root / CPUINFO)
        with Interrupts.opened(root / INTERRUPTS) as interrupts:
            interrupts.calls()
    except PvbenchError as lacking:
        return f"{lacking.what}: {lacking.why}"  # without the fix, which is for other commands
    return None


def cpus_of(root: Path, usable: set[int]) -> dict[str, list[int]]:
    """The CPUs of this machine: APIC IDs and numbers of those online, and the usable ones."""
    return {
        "apic_ids": list(host(root / CPUINFO)),
        "numbers": list(numbers(root)),
        "usable": sorted(usable),
    }


def why_unsupported(guest: Guest, task: Task, cpus: dict[str, list[int]]) -> str | None:
    """Why it cannot run *task* in such a guest on a machine with *cpus*; None if it can."""
    if lacking := list(_lacking(guest, task, cpus["apic_ids"])):
        return (
            f"live times only the IPIs of this kernel on this machine: add {' '.join(lacking)}"
        )
    if guest.host_cpus or guest.bits != 64:
        return "live cannot change this machine: drop --host-cpus and --bits"
    if len(task.bursts) > 1:
        return (
            "/proc/interrupts does not tell the IPIs of several sources apart: use one source"
        )
    booted = cpus["numbers"]
    needed = {burst.source for burst in task.bursts}.union(*task.reached)
    if missing := sorted({booted[cpu] for cpu in needed}.difference(cpus["usable"])):
        return f"this process may not use CPU {missing[0]}"
    return None


def _lacking(guest: Guest, task: Task, apic_ids: list[int]) -> Iterator[str]:
    """The options that the command line lacks."""
    if task.mechanism != "kernel":
        yield "--sender kernel"
    if guest.apic_ids != tuple(apic_ids):
        yield "--guest host"
    if task.target_state != "running":  # idle CPUs run no thread of ours
        yield "--targets running"
