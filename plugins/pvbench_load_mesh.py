"""
A random mesh: many CPUs call one other CPU each, which is drawn for each of them.

Several sources may call the same CPU, and a source may be called.  The draw follows from the
number of sources and the seed alone, so that it is the same in every guest and every run.
"""

from __future__ import annotations

import random

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import Workload

pvbench_api = 1


def mesh(guest: Guest, cpus: int, seed: int) -> tuple[Burst, ...] | str:
    if cpus < 2:
        raise UsageError(f"{cpus} CPUs are no mesh", fix="Use at least mesh:2.")
    online = guest.online[:cpus]
    if len(online) < cpus:
        return f"mesh:{cpus} needs {cpus} CPUs"
    drawn = random.Random(f"{cpus} {seed}")  # noqa: S311 - a reproducible draw, not a secret
    return tuple(
        Burst(
            source=online[place],
            operation="smp_call_function_single",
            targets=(online[(place + drawn.randrange(1, cpus)) % cpus],),
        )
        for place in range(cpus)
    )


@hookimpl
def pvbench_workloads() -> list[Workload]:
    return [
        Workload(
            name="mesh",
            summary="each of CPUS CPUs calls another one of them, which is drawn from SEED",
            bursts=mesh,
            parameters={"cpus": 2, "seed": 1},
        )
    ]
