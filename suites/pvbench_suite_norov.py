"""Norov's ipi_benchmark: does a paravirtual IPI beat the native ones, and where?"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite

pvbench_api = 1


@hookimpl
def pvbench_suites() -> list[Suite]:
    return [
        Suite(
            name="norov",
            version=1,
            summary="the five tests of ipi_benchmark, native and under each overlay",
            workloads=(
                "dry-run",
                "self-ipi",
                "normal-ipi",
                "broadcast",
                "broadcast-lock",
            ),
            drivers=("x2apic-physical", "x2apic-cluster"),
            guests=("dense:80",),
            linux=("4.19",),  # the first with PV IPIs, of the time of the published table
            costs="skylake-2018",
        )
    ]


if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(*pvbench_suites())
