"""
Workloads: what would each sender make of the IPIs of real programs?

The recordings are those of emulated guests of 16 and 60 CPUs.  Call sites and wanted CPUs
are Linux's; sent masks, shares, coalescing and rates are the emulator's.
"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite

pvbench_api = 1


@hookimpl
def pvbench_suites() -> list[Suite]:
    return [
        Suite(
            name="workloads",
            version=1,
            summary="the recordings that come with pvbench, workload by sender",
            workloads=("recorded:each",),
            drivers=("x2apic-physical", "x2apic-cluster"),
            guests=("dense:16", "ids:0-11,16-27,32-43,48-59,64-75"),
            target_states=("running",),
            costs="skylake-fastpath",
        )
    ]
