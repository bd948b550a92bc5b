"""
A mesh of unicasts: many CPUs call one other CPU each, all at the same time.

``disjoint``: each CPU of the lower half of 2*SOURCES CPUs calls one of the upper half.
``ring``: each source calls the next CPU, and the last one calls the first.
"""

from __future__ import annotations

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import Workload

pvbench_api = 1


def pairs(guest: Guest, sources: int, mesh: str) -> tuple[Burst, ...] | str:
    if not sources:
        raise UsageError("0 pairs send no IPI", fix="Use at least pairs:1.")
    if mesh == "disjoint":
        needed, step = 2 * sources, sources
    elif mesh == "ring":
        needed, step = max(2, sources), 1
    else:
        raise UsageError(f"unknown mesh {mesh!r} of pairs", fix="Use disjoint or ring.")
    cpus = guest.online[:needed]
    if len(cpus) < needed:
        return f"pairs:{sources}:{mesh} needs {needed} CPUs"
    return tuple(
        Burst(
            source=cpus[place],
            operation="smp_call_function_single",
            targets=(cpus[(place + step) % needed],),
        )
        for place in range(sources)
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
