"""Series of counts: events of one iteration, which are numbers and no times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from pvbench.results.rows import Row

LOST: Final = "lost"
# The facts whose sum a series is.
_FACTS_OF: Final = {
    "icr-writes": ("icr_writes",),
    "hypercalls": ("hypercalls",),
    "exits": ("exits",),
    "wake-ups": ("wakeups_polled", "wakeups_blocked"),
    "wake-ups-polled": ("wakeups_polled",),
    "wake-ups-blocked": ("wakeups_blocked",),
    LOST: ("lost",),
}
SERIES: Final = tuple(_FACTS_OF)


def count_of(row: Row, series: str) -> float | None:
    """A count of the case of *row*; None if the host cannot show it."""
    counts = [row.fact(name) for name in _FACTS_OF[series]]
    return None if None in counts else sum(counts)


def in_words(count: float | None) -> str:
    """A count for people: what a host cannot show is unknown, never zero."""
    return "unknown" if count is None else f"{count:g}"


def of_cases(rows: Iterable[Row], series: str) -> list[Row]:
    """
    A row of *series* for each case, also for one that loses IPIs.

    It has the count and no times.
    """
    cases: dict[tuple[str, str], Row] = {}
    for row in rows:
        cases.setdefault((row.file, row.case), row)
    return [_row(row, series) for row in cases.values()]


def _row(row: Row, series: str) -> Row:
    facts = {name: fact for name, fact in row.facts.items() if name != "lost"}
    return attrs.evolve(
        row,
        name=f"{row.case} {series}",
        facts=facts | {"series": series, "exactness": "none"},
        count=count_of(row, series),
    )
