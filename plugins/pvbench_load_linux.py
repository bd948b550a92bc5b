"""
Programs for Linux in a guest: fixed amounts of work, which its kernel does with IPIs or not.

membarrier, madvise and munmap interrupt several CPUs at once.  futex, pipe and hackbench
wake one thread at a time, so they are negative controls for senders of multicasts.
The programs themselves are those of the delivery that boots Linux.
"""

from __future__ import annotations

from typing import Final

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import Workload

pvbench_api = 1

_CPUS_OF_A_GROUP: Final = 8  # of hackbench, which has eight threads in a group
_BYSTANDER: Final = 1  # a CPU that takes no part


def half(guest: Guest) -> tuple[int]:
    """Half of the CPUs, which are never all others."""
    return (max(1, len(guest.online) // 2),)


def groups(guest: Guest) -> tuple[int]:
    """As many groups of hackbench as keep the CPUs busy."""
    return (max(1, len(guest.online) // _CPUS_OF_A_GROUP),)


def _needing(cpus: int, spare: int, name: str, guest: Guest) -> tuple[Burst, ...] | str:
    """No bursts; the reason if *guest* has too few CPUs."""
    needed = cpus + spare + _BYSTANDER
    if not cpus or needed > len(guest.online):
        return f"{name}:{cpus} needs {needed} CPUs, and at least one that takes part"
    return ()


def membarrier(guest: Guest, cpus: int, operations: int) -> tuple[Burst, ...] | str:
    return _needing(cpus, 1, "membarrier", guest)  # and the CPU that calls it


def madvise(guest: Guest, cpus: int, operations: int) -> tuple[Burst, ...] | str:
    return _needing(cpus, 0, "madvise", guest)


def munmap(guest: Guest, cpus: int, operations: int) -> tuple[Burst, ...] | str:
    return _needing(cpus, 0, "munmap", guest)


def hackbench(guest: Guest, groups: int, messages: int) -> tuple[Burst, ...] | str:
    return () if groups and messages else "hackbench needs a group, and a message"


def single(guest: Guest, operations: int) -> tuple[Burst, ...]:
    return ()


@hookimpl
def pvbench_workloads() -> list[Workload]:
    return [
        Workload(
            name="membarrier",
            summary="a thread calls membarrier OPERATIONS times, CPUS others run",
            bursts=membarrier,
            parameters={"cpus": 3, "operations": 5_000},
            steps=half,
            is_program=True,
        ),
        Workload(
            name="madvise",
            summary="CPUS threads discard pages, OPERATIONS times each",
            bursts=madvise,
            parameters={"cpus": 4, "operations": 1_000},
            steps=half,
            is_program=True,
        ),
        Workload(
            name="munmap",
            summary="CPUS threads map, touch and unmap pages, OPERATIONS times each",
            bursts=munmap,
            parameters={"cpus": 4, "operations": 1_000},
            steps=half,
            is_program=True,
        ),
        Workload(
            name="futex",
            summary="two threads wake each other OPERATIONS times by futex",
            bursts=single,
            needs_cpus=3,
            parameters={"operations": 20_000},
            is_program=True,
        ),
        Workload(
            name="pipe",
            summary="two threads pass a byte OPERATIONS times through pipes",
            bursts=single,
            needs_cpus=3,
            parameters={"operations": 20_000},
            is_program=True,
        ),
        Workload(
            name="hackbench",
            summary="GROUPS of eight threads, of which four write MESSAGES each to sockets",
            bursts=hackbench,
            parameters={"groups": 1, "messages": 2_000},
            steps=groups,
            is_program=True,
        ),
    ]
