"""The crossovers of one run: of each overlay with its driver, and of the drivers."""

from __future__ import annotations

from collections.abc import Sequence

from pvbench.compare.axis import NATIVE, OVERLAY, SENDER
from pvbench.compare.comparison import compare
from pvbench.compare.crossover import Crossover
from pvbench.compare.question import Question
from pvbench.errors import UsageError
from pvbench.results.rows import Row


def crossovers(rows: Sequence[Row], series: str) -> tuple[Crossover, ...]:
    """
    The crossovers of *series* that ``compare --by overlay`` and the drivers have.

    There are none without a workload family, without native results, or if the times
    must not be ranked.
    """
    members = [row for row in rows if row.fact("family")]
    drivers = [row for row in members if row.fact("sender") == NATIVE]
    if not drivers:
        return ()
    try:
        return (*_along(OVERLAY, members, series), *_along(SENDER, drivers, series))
    except UsageError:
        return ()


def _along(axis: str, rows: Sequence[Row], series: str) -> tuple[Crossover, ...]:
    return compare({"": rows}, Question(by=axis, series=series)).crossovers
