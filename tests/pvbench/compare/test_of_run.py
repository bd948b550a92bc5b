"""The crossovers of one run."""

from __future__ import annotations

from typing import Any

from pvbench.compare import of_run
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL, CLUSTER = "x2apic-physical", "x2apic-cluster"
ON_PHYSICAL, ON_CLUSTER = f"kvm-pv/{PHYSICAL}", f"kvm-pv/{CLUSTER}"


def line(stack: str, *times_us: float, **facts: Any) -> list[Row]:
    """The times of one stack for 1, 2, ... targets."""
    family = {"family": "fanout", "parameter": "targets"} | facts
    return [
        row_of(f"fanout:{n}", stack, us * 1e-6, parameter_value=n, **family)
        for n, us in enumerate(times_us, 1)
    ]


RUN = [
    *line(PHYSICAL, 1, 2),
    *line(CLUSTER, 2, 1.5),
    *line(ON_PHYSICAL, 1, 1),
    *line(ON_CLUSTER, 2, 2),
]


def test_overlays_are_compared_with_their_drivers_and_drivers_with_the_first() -> None:
    """An overlay is never compared with the driver of another."""
    crossovers = of_run.crossovers(RUN, "wall")

    assert [(one.side, one.baseline, one.stretches) for one in crossovers] == [
        (ON_PHYSICAL, PHYSICAL, (("equal", 1, 1), ("faster", 2, 2))),
        (ON_CLUSTER, CLUSTER, (("equal", 1, 1), ("slower", 2, 2))),
        (CLUSTER, PHYSICAL, (("slower", 1, 1), ("faster", 2, 2))),
    ]


def test_a_run_without_a_family_or_without_drivers_has_none() -> None:
    """There is no parameter along which a verdict changes, or no baseline."""
    single = [row_of("broadcast", stack, 1e-6) for stack in (PHYSICAL, ON_PHYSICAL)]

    assert of_run.crossovers(single, "wall") == ()
    assert of_run.crossovers(RUN[4:], "wall") == ()


def test_times_that_are_not_ranked_have_none() -> None:
    """A file may hold results of two clocks."""
    assert of_run.crossovers([*RUN, *line(PHYSICAL, 1, 2, clock="wall")], "wall") == ()
