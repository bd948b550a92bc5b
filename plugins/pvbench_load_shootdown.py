"""
TLB shootdown: several CPUs flush one address space at once.

Each source calls all other CPUs that run the address space and waits for them, as
flush_tlb_multi() does.  A CPU that already has a call queued is not interrupted again.
"""

from __future__ import annotations

from collections.abc import Iterator

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import Workload

pvbench_api = 1


def shootdown(guest: Guest, sources: int, cpus: str) -> Iterator[Burst] | str:
    threads = _thread_count(guest, sources, cpus)
    if threads > len(guest.online):
        return f"shootdown:{sources}:{cpus} needs {threads} CPUs"
    running = guest.online[:threads]
    return (
        Burst(
            source=cpu,
            operation="smp_call_function_many",
            targets=tuple(other for other in running if other != cpu),
        )
        for cpu in running[:sources]
    )


def _thread_count(guest: Guest, sources: int, cpus: str) -> int:
    """Return how many CPUs run the address space, one thread each."""
    if cpus != "all" and not (cpus.isascii() and cpus.isdigit()):
        raise UsageError(
            f"an address space cannot run on {cpus!r} CPUs", fix="Use a number, or all."
        )
    threads = max(2, sources, len(guest.online)) if cpus == "all" else int(cpus)
    if not sources or threads < 2:
        raise UsageError(
            f"{sources} sources among {threads} CPUs send no IPI",
            fix="Use at least shootdown:1:2.",
        )
    if sources > threads:
        raise UsageError(
            f"{sources} sources need an address space that runs on at least {sources} CPUs, "
            f"not {threads}"
        )
    return threads


@hookimpl
def pvbench_workloads() -> list[Workload]:
    return [
        Workload(
            name="shootdown",
            summary="SOURCES CPUs flush an address space that runs on CPUS CPUs, or all",
            bursts=shootdown,
            parameters={"sources": 1, "cpus": "all"},
        )
    ]
