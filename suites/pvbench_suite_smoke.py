"""Smoke: does every sender work here?  It takes a few seconds."""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite

pvbench_api = 1


@hookimpl
def pvbench_suites() -> list[Suite]:
    return [
        Suite(
            name="smoke",
            version=1,
            summary="every sender in a guest of 4 CPUs; takes seconds",
            workloads=(
                "self-ipi",
                "normal-ipi",
                "broadcast",
                "fanout:2:packed",
                "pairs:2:disjoint",
                "mesh:4:1",
                "shootdown:2:all",
            ),
            drivers=("xapic-flat", "xapic-physical", "x2apic-physical", "x2apic-cluster"),
            guests=("sockets:1x2x2",),
            target_states=("running",),
            costs="skylake-fastpath",
        )
    ]


if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(*pvbench_suites())
