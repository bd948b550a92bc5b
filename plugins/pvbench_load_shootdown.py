"""
TLB shootdown: several CPUs flush one address space at once.

Each calls all other CPUs the address space runs on and waits for them, as
flush_tlb_multi() does; a CPU that has a call queued already is not interrupted again.
"""

from __future__ import annotations

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import Workload

pvbench_api = 1


def shootdown(guest: Guest, sources: int, cpus: str) -> tuple[Burst, ...] | str:
    count = len(guest.apic_ids)
    if cpus != "all" and not (cpus.isascii() and cpus.isdigit()):
        raise UsageError(
            f"an address space cannot run on {cpus!r} CPUs", fix="Write a number, or all."
        )
    threads = max(2, sources, count) if cpus == "all" else int(cpus)
    if not sources or threads < 2:
        raise UsageError(
            f"{sources} of {threads} CPUs flush nobody", fix="Write shootdown:1:2, say."
        )
    if sources > threads:
        raise UsageError(f"{sources} of {threads} CPUs cannot flush: that is more than all")
    if threads > count:
        return f"shootdown:{sources}:{cpus} needs {threads} CPUs"
    return tuple(
        Burst(
            source=cpu,
            operation="smp_call_function_many",
            targets=tuple(other for other in range(threads) if other != cpu),
        )
        for cpu in range(sources)
    )


@hookimpl
def pvbench_workloads() -> list[Workload]:
    return [
        Workload(
            name="shootdown",
            summary="several CPUs flush one address space at once; it runs on N CPUs, or all",
            bursts=shootdown,
            parameters={"sources": 1, "cpus": "all"},
        )
    ]
