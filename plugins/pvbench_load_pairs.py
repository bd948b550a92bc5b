"""
A mesh of unicasts: many CPUs call one other CPU each, all at the same time.

``disjoint``: the lower half of 2*SOURCES CPUs calls the upper half, one CPU each.
``ring``: each source calls its right neighbour, the last one the first.
"""

from __future__ import annotations

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import Workload

pvbench_api = 1


def pairs(guest: Guest, sources: int, mesh: str) -> tuple[Burst, ...] | str:
    count = len(guest.apic_ids)
    if not sources:
        raise UsageError("0 pairs send nothing", fix="Write pairs:1, say.")
    if mesh == "disjoint":
        needed, step = 2 * sources, sources
    elif mesh == "ring":
        needed, step = max(2, sources), 1
    else:
        raise UsageError(f"pairs cannot be {mesh!r}", fix="They are disjoint or ring.")
    if count < needed:
        return f"pairs:{sources}:{mesh} needs {needed} CPUs"
    return tuple(
        Burst(
            source=cpu,
            operation="smp_call_function_single",
            targets=((cpu + step) % needed,),
        )
        for cpu in range(sources)
    )


@hookimpl
def pvbench_workloads() -> list[Workload]:
    return [
        Workload(
            name="pairs",
            summary="unicasts of many CPUs at once: disjoint pairs, or a ring",
            bursts=pairs,
            parameters={"sources": 1, "mesh": "disjoint"},
        )
    ]
