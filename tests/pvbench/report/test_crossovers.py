"""The crossovers of a comparison as sentences."""

from __future__ import annotations

from pvbench.compare.crossover import Crossover
from pvbench.report.crossovers import crossings


def test_a_long_guest_is_shortened_as_in_a_heading() -> None:
    """A list of 80 APIC IDs would take six lines."""
    crossover = Crossover(
        family="fanout packed",
        stack="x2apic-cluster",
        guest="ids:" + ",".join(map(str, range(0, 160, 2))),
        conditions="",
        series="wall",
        baseline="x2apic-cluster",
        side="kvm-pv/x2apic-cluster",
        parameter="targets",
        stretches=(("faster", 1, 79),),
    )

    assert list(crossings([crossover])) == [
        "fanout packed on ids:0,2,4,6,8,10,12...50,152,154,156,158, wall, against "
        "x2apic-cluster, by targets:",
        "  faster from 1 to 79: kvm-pv/x2apic-cluster",
    ]
