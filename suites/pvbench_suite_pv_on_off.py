"""PV on and off: does KVM's PV IPI benefit a real workload in a Linux guest?"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite

pvbench_api = 1


@hookimpl
def pvbench_suites() -> list[Suite]:
    return [
        Suite(
            name="pv-on-off",
            version=1,
            summary="programs in a Linux guest, with KVM's PV IPIs and without",
            workloads=(
                *("membarrier:each:5000", "madvise:each:1000", "munmap:each:1000"),
                *("futex:20000", "pipe:20000", "hackbench:each:2000"),
            ),
            drivers=("x2apic-physical", "xapic-physical"),
            overlays=("kvm-pv",),
            guests=("dense:8", "dense:32", "dense:128"),
            target_states=("halted", "polling"),
            delivery="linux",
        )
    ]


if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(*pvbench_suites())
