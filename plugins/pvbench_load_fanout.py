"""
One function call from CPU 0 to K targets: at how many targets does a sender pay off?

The APIC IDs of the targets decide how many x2APIC clusters (16 APIC IDs each) and PV
windows a mask needs.
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
        raise UsageError("fanout to 0 targets sends no IPI", fix="Use at least fanout:1.")
    others = guest.others(0)
    ordered_cpus = _ordered(guest, others, spread)
    if targets > len(others):
        return f"fanout:{targets} needs {targets + 1} CPUs"
    cpus = tuple(islice(ordered_cpus, targets))
    return (Burst(source=0, operation="smp_call_function_many", targets=cpus),)


def steps(guest: Guest) -> list[int]:
    """One target, powers of two, and all other CPUs."""
    others = max(1, len(guest.others(0)))
    return sorted({1 << bits for bits in range(others.bit_length())} | {others})


def _ordered(guest: Guest, cpus: tuple[int, ...], spread: str) -> Iterator[int]:
    """Return *cpus* in the order in which they become targets as K grows."""
    kind, _, seed = spread.partition("-")
    if spread == "packed":
        fullest_first = sorted(_clusters(guest, cpus), key=len, reverse=True)
        return chain.from_iterable(fullest_first)
    if spread == "spread":  # one CPU of each cluster, then a second CPU of each, ...
        rounds = zip_longest(*_clusters(guest, cpus))
        return (cpu for row in rounds for cpu in row if cpu is not None)
    if kind == "random" and seed.isascii() and seed.isdigit():
        # S311: a reproducible choice, not a secret
        return iter(random.Random(int(seed)).sample(cpus, len(cpus)))  # noqa: S311
    raise UsageError(
        f"unknown spread {spread!r} of fanout", fix="Use packed, spread or random-SEED."
    )


def _clusters(guest: Guest, cpus: tuple[int, ...]) -> list[list[int]]:
    """Group *cpus* by x2APIC cluster."""
    clusters: dict[int, list[int]] = {}
    for cpu in cpus:
        clusters.setdefault(guest.logical[cpu] >> 4, []).append(cpu)
    return list(clusters.values())


@hookimpl
def pvbench_workloads() -> list[Workload]:
    return [
        Workload(
            name="fanout",
            summary="one call to TARGETS targets (without a number: to 1, 2, 4, ... and all), "
            "packed, spread over clusters, or random-SEED",
            bursts=fanout,
            parameters={"targets": 1, "spread": "packed"},
            steps=steps,
        )
    ]
