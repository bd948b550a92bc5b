"""Sentences below a table."""

from __future__ import annotations

import pytest

from pvbench.report.notes import notes
from pvbench.results.rows import Row
from support.runs import row_of

SPREAD = "Spread of the boots, (highest - lowest) / median: "


def spread(*members: Row, series: str = "wall") -> list[str]:
    """The sentence about the spread of these rows."""
    return [note for note in notes(list(members), series) if note.startswith("Spread")]


def measured(workload: str, stack: str, *boots_s: float, clock: str = "tsc") -> Row:
    return row_of(workload, stack, *boots_s, clock=clock)


def test_the_spread_of_measured_boots_is_given_by_workload() -> None:
    """It is the range from the lowest to the highest spread of the stacks."""
    rows = (
        measured("dry-run", "x2apic-physical", 1.0, 1.1, 1.0),
        measured("broadcast", "x2apic-physical", 2.0, 1.8, 2.2),
        measured("broadcast", "x2apic-cluster", 1.0, 1.5, 1.0),
        measured("self-ipi", "x2apic-cluster", 1.0, 1.62, 1.0),
    )

    assert spread(*rows) == [f"{SPREAD}dry-run 10 %, broadcast 20 to 50 %, self-ipi 62 %."]


def test_the_spread_of_path_lengths_has_two_more_digits() -> None:
    """Equal boots differ by less than 0.1 %."""
    boots = (1.0, 1.0006)
    row = row_of("a", "x2apic-physical", *boots, clock="icount", exactness="near-exact")

    assert spread(row) == [f"{SPREAD}a 0.06 %."]


@pytest.mark.parametrize(
    ("row", "series"),
    [
        pytest.param(measured("a", "x2apic-physical", 1.0), "wall", id="one-boot"),
        pytest.param(
            measured("a", "x2apic-physical", 1.0, 1.0, clock="model"), "wall", id="exact-clock"
        ),
        pytest.param(measured("a", "x2apic-physical", 1.0, 2.0), "ack", id="another-series"),
    ],
)
def test_no_spread_is_printed_if_there_is_none(row: Row, series: str) -> None:
    """One boot has no spread, and an exact clock repeats itself."""
    assert spread(row, series=series) == []


@pytest.mark.parametrize("exactness", ["exact", "near-exact", "noisy"])
def test_the_meaning_of_a_path_length_is_explained(exactness: str) -> None:
    """The note is only below the times of an emulator."""
    row = row_of("a", "x2apic-physical", 1.0, clock="x", exactness=exactness)
    explained = any(
        note.startswith("Path lengths are no measure") for note in notes([row], "wall")
    )

    assert explained == (exactness == "near-exact")


@pytest.mark.parametrize(
    ("clock", "facts", "is_noted"),
    [
        pytest.param("model", {"sockets": 2}, True, id="modelled"),
        pytest.param("model", {}, False, id="one-socket"),
        pytest.param("tsc", {"sockets": 2}, False, id="measured"),
    ],
)
def test_modelled_times_of_several_sockets_have_no_cost_of_distance(
    clock: str, facts: dict[str, int], is_noted: bool
) -> None:
    """A reader could take equal times for a result."""
    row = row_of("broadcast", "x2apic-physical", 1e-6, clock=clock, **facts)

    assert any("cost of distance" in note for note in notes([row], "wall")) is is_noted
