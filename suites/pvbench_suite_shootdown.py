"""Shootdown: which sender is best when several CPUs flush one address space at once?"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite

pvbench_api = 1


@hookimpl
def pvbench_suites() -> list[Suite]:
    return [
        Suite(
            name="shootdown",
            version=1,
            summary="1 to 16 CPUs flush one address space of 64 CPUs at once",
            workloads=tuple(f"shootdown:{n}:all" for n in (1, 2, 4, 8, 16)),
            drivers=("x2apic-physical", "x2apic-cluster"),
            guests=("dense:64",),
            costs="skylake-fastpath",
        )
    ]


if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(*pvbench_suites())
