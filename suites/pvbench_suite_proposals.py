"""Proposals: what would the hypercalls proposed in 2018 have cost beside the merged one?"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite

pvbench_api = 1

OVERLAYS = (
    *("kvm-pv", "kvm-pv128-v3", "kvm-pv-cluster128", "kvm-pv-cluster192"),
    "hyperv-ipi",
)
GUESTS = (
    *("dense:8", "dense:32", "dense:128"),
    *("interleaved:8", "interleaved:32", "interleaved:128"),
    *("sparse:8:32", "sparse:32:8", "sparse:128:8"),
    "ids:112-143",  # on both sides of 128: clusters of 128 need two calls
    "ids:176-207",  # on both sides of 192: clusters of 192 need two calls
)


@hookimpl
def pvbench_suites() -> list[Suite]:
    return [
        Suite(
            name="proposals",
            version=1,
            summary="a broadcast by the hypercalls of 2018 and by those that were merged",
            workloads=("broadcast",),
            drivers=("x2apic-physical", "x2apic-cluster"),
            overlays=OVERLAYS,
            guests=GUESTS,
            linux=("6.12+no_ipi_broadcast",),  # or all would send one shorthand
            costs="skylake-fastpath",
        )
    ]


if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(*pvbench_suites())
