"""Fan-out: at how many targets does one sender start to beat another?"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite

pvbench_api = 1

SPREADS = ("packed", "spread", "random-1")


@hookimpl
def pvbench_suites() -> list[Suite]:
    return [
        Suite(
            name="fanout",
            version=1,
            summary="one call to 1, 2, 4, ... and all targets, packed, spread over clusters, "
            "and random",
            workloads=tuple(f"fanout:each:{spread}" for spread in SPREADS),
            drivers=("x2apic-physical", "x2apic-cluster"),
            guests=("dense:80",),
            costs="skylake-fastpath",
        )
    ]


if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(*pvbench_suites())
