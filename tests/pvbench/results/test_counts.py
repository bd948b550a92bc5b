"""Series of counts."""

from __future__ import annotations

import pytest

from pvbench.results import counts
from support.runs import row_of

PHYSICAL = "x2apic-physical"


@pytest.mark.parametrize(
    ("facts", "series", "expected"),
    [
        pytest.param({"icr_writes": 79.0}, "icr-writes", 79, id="icr-writes"),
        pytest.param({"hypercalls": 3.0}, "hypercalls", 3, id="hypercalls"),
        pytest.param({"exits": 0.0}, "exits", 0, id="no-exits"),
        pytest.param({}, "exits", None, id="a-host-that-shows-no-exits"),
        pytest.param(
            {"wakeups_polled": 2.0, "wakeups_blocked": 5.0}, "wake-ups", 7, id="wake-ups"
        ),
        pytest.param({"wakeups_polled": 2.0}, "wake-ups", None, id="only-some-wake-ups"),
        pytest.param({"wakeups_polled": 2.0}, "wake-ups-polled", 2, id="polled"),
        pytest.param({"wakeups_blocked": 5.0}, "wake-ups-blocked", 5, id="blocked"),
        pytest.param({"lost": 65}, "lost", 65, id="lost"),
    ],
)
def test_a_count_that_a_host_cannot_show_is_unknown(
    facts: dict[str, float], series: str, expected: float | None
) -> None:
    """It is never zero, and neither is a sum of which a part is unknown."""
    row = row_of("broadcast", PHYSICAL, 1e-6, **facts)

    assert counts.count_of(row, series) == expected


def test_a_count_is_known_or_called_unknown() -> None:
    """Whole numbers have no decimals."""
    assert [counts.in_words(count) for count in (None, 0, 79.0, 0.5)] == [
        "unknown",
        "0",
        "79",
        "0.5",
    ]


def test_a_case_has_one_row_of_a_count_whichever_times_it_has() -> None:
    """Also one that loses IPIs, which has no wall time; the row has no times."""
    rows = [
        row_of("broadcast", PHYSICAL, 1e-6, series=series, lost=65, exits=79.0)
        for series in ("send", "irqoff")
    ]
    (row,) = counts.of_cases(rows, "exits")

    assert (row.name, row.count, row.has_times) == (f"{rows[0].case} exits", 79, False)
