"""Pairs: what do unicasts cost when many CPUs send at the same time?"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite

pvbench_api = 1

SOURCES = (1, 4, 16, 32)
MESHES = ("disjoint", "ring")


@hookimpl
def pvbench_suites() -> list[Suite]:
    return [
        Suite(
            name="pairs",
            version=1,
            summary="1 to 32 simultaneous unicasts, in disjoint pairs and in a ring",
            workloads=tuple(f"pairs:{n}:{mesh}" for mesh in MESHES for n in SOURCES),
            drivers=("xapic-physical", "x2apic-physical", "x2apic-cluster"),
            guests=("dense:64",),
            costs="skylake-fastpath",
        )
    ]


if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(*pvbench_suites())
