"""The document of `show --series exits`: one count of each case, or all counts in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import pyperf

from pvbench.document import Block, Cell, Column, Document, Field, Notes, Role, table_of
from pvbench.report import outcomes
from pvbench.report.grid import Grid
from pvbench.report.summary import groups, heading, not_run, origin, series_table
from pvbench.results import counts, journal
from pvbench.results.rows import Row, ordered, rows

ALL: Final = "counts"  # every count in a column of its own


def document(suite: pyperf.BenchmarkSuite, entries: journal.Entries, series: str) -> Document:
    """A table for each group of cases, as that of their times."""
    all_rows = rows(suite)
    return Document(
        [
            series_table(all_rows),
            *(block for members in groups(all_rows) for block in _group(members, series)),
            Notes(lines=tuple(not_run(entries)), name="not_run"),
            outcomes.of_run(all_rows, entries),
        ]
    )


def _group(members: Sequence[Row], series: str) -> Iterator[Block]:
    yield heading(members[0])
    yield origin(members, f"{series} of one burst from each source")
    if series == ALL:
        cases = {row.case: row for row in members}
        yield table_of(_COLUMNS, cases.values(), name="counts")
        return
    grid = Grid.of(list(members), series)
    table = grid.table("counts", ordered(list(members), "workload"), grid.count)
    yield attrs.evolve(table, is_matrix=True)


def _fact(name: str) -> Field[Row]:
    return Field(Column(name, name), lambda row: Cell(row.fact(name)))


def _count(series: str) -> Field[Row]:
    def cell(row: Row) -> Cell:
        count = counts.count_of(row, series)
        return Cell(count, counts.in_words(count))

    title = series.replace("icr-", "ICR ").replace("ups-", "ups ")
    return Field(Column(series.replace("-", "_"), title, Role.VALUE), cell)


_COLUMNS: Final = (_fact("stack"), _fact("workload"), *map(_count, counts.SERIES))
