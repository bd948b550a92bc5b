"""What reports show of programs besides times: rates, and whether PV IPIs were used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from pvbench.document import Cell, Table
from pvbench.report.grid import Grid, Line
from pvbench.results.rows import HEADLINE, Row
from pvbench.text import shortened_list


def rates(grid: Grid) -> Iterator[Table]:
    """The operations of each program in a second of its wall time."""

    def rate(line: Line, workload: str) -> Cell:
        row = grid.rows.get((line, workload), {}).get(HEADLINE)
        operations = row.fact("operations") if row else None
        if row is None or not operations:
            return Cell(None, "-")
        value = operations / row.value_s
        return Cell(value, f"{value:.0f}" if value >= 1000 else f"{value:.3g}")

    title = "Operations per second of the timed run:"
    yield attrs.evolve(grid.table("rates", grid.workloads, rate), title=title)


def unused(members: Sequence[Row]) -> Iterator[str]:
    """The programs in which a sender that can send by hypercall never did."""
    silent = [
        row
        for row in members
        if row.fact("program") and row.fact("sender") != "native" and not row.fact("hypercalls")
    ]
    for stack in dict.fromkeys(row.fact("stack") for row in silent):
        names = dict.fromkeys(
            row.fact("workload") for row in silent if row.fact("stack") == stack
        )
        yield (
            f"PV IPI was never used: {stack} made no hypercall that sends IPIs in "
            f"{shortened_list(names)}."
        )
