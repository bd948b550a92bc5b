"""Scale: how does each sender's cost grow with the guest, up to KVM's largest?"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.suite import Suite

pvbench_api = 1


@hookimpl
def pvbench_suites() -> list[Suite]:
    return [
        Suite(
            name="scale",
            version=1,
            summary="a broadcast in guests of 8 to 4096 vCPUs",
            workloads=("broadcast",),
            drivers=("x2apic-physical", "x2apic-cluster"),
            guests=tuple(f"dense:{n}" for n in (8, 32, 128, 512, 1024, 4096)),
            linux=("6.12+no_ipi_broadcast",),  # or all would send one shorthand
            costs="skylake-fastpath",
        )
    ]


if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(*pvbench_suites())
