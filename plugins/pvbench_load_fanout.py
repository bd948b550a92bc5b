"""
One function call from CPU 0 to K targets: from how many on does a sender pay?

Where the targets lie decides how many x2APIC clusters (16 APIC IDs each) and PV
windows a mask takes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain, islice, zip_longest

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import Workload

pvbench_api = 1


def fanout(guest: Guest, targets: int, spread: str) -> tuple[Burst, ...] | str:
    if not targets:
        raise UsageError("fanout to 0 targets sends nothing", fix="Write fanout:1, say.")
    others = guest.others(0)
    in_order = _in_order(guest, others, spread)
    if targets > len(others):
        return f"fanout:{targets} needs {targets + 1} CPUs"
    chosen = islice(in_order, targets)
    return (Burst(source=0, operation="smp_call_function_many", targets=tuple(chosen)),)


def _in_order(guest: Guest, cpus: tuple[int, ...], spread: str) -> Iterator[int]:
    """*cpus* in the order in which they become targets."""
    clusters: dict[int, list[int]] = {}
    for cpu in cpus:
        clusters.setdefault(guest.apic_ids[cpu] >> 4, []).append(cpu)
    kind, _, seed = spread.partition("-")
    if spread == "packed":  # the fullest clusters first, so as few as possible
        fullest = sorted(clusters.values(), key=len, reverse=True)
        return chain.from_iterable(fullest)
    if spread == "spread":  # one of each cluster, then a second one of each, ...
        turns = zip_longest(*clusters.values())
        return (cpu for turn in turns for cpu in turn if cpu is not None)
    if kind == "random" and seed.isascii() and seed.isdigit():
        # S311: a reproducible choice, no secret
        return iter(random.Random(int(seed)).sample(cpus, len(cpus)))  # noqa: S311
    raise UsageError(
        f"targets cannot be {spread!r}", fix="They are packed, spread or random-SEED."
    )


@hookimpl
def pvbench_workloads() -> list[Workload]:
    return [
        Workload(
            name="fanout",
            summary="one call to K targets: packed, spread over clusters, or random-SEED",
            bursts=fanout,
            parameters={"targets": 1, "spread": "packed"},
        )
    ]
