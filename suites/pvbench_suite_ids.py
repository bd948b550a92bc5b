"""APIC IDs: in which layouts does a sender lose IPIs?"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.suite import LOSSES, Suite

pvbench_api = 1

GUESTS = (
    "dense:80",
    "dense:288",
    "sparse:128:2",
    "interleaved:130",
    "ids:0,128-255",  # all targets are outside a 128-bit bitmap from 0
    "ids:0,255-382",  # no target has an xAPIC ID; 255 is the xAPIC's broadcast
    "ids:128-0",  # descending
    "ids:5,1,128,0",  # an ID below the window: the bug of the first release
)


@hookimpl
def pvbench_suites() -> list[Suite]:
    return [
        Suite(
            name="ids",
            version=1,
            summary="a broadcast in guests of several APIC ID layouts",
            workloads=("broadcast",),
            drivers=("x2apic-physical", "x2apic-cluster"),
            guests=GUESTS,
            linux=("6.12+no_ipi_broadcast",),  # or all would send one shorthand
            costs="skylake-fastpath",
            answer=LOSSES,
        )
    ]


if __name__ == "__main__":
    from pvbench.pyperf_script import main

    main(*pvbench_suites())
