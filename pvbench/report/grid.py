"""The tables of a run: the times and the counts of its stacks, by workload."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from pvbench.document import Cell, Column, Role, Table
from pvbench.report import quantities
from pvbench.results import schema
from pvbench.results.counts import count_of, in_words
from pvbench.results.rows import Row, ordered
from pvbench.results.swept import values_of

Line = tuple[str, str]  # a stack, and the costs that a sweep set
_WHOLE: Final = 8  # columns of a table that has all of them, also if all stacks are equal
_LETTERS: Final = {"icr_writes": "w", "hypercalls": "h"}


def shows_counts(row: Row) -> bool:
    """Whether a count of *row* is known: all of a burst, and the hypercalls of a program."""
    name = "hypercalls" if row.fact("program") else "icr_writes"
    return row.fact(name) is not None


@attrs.frozen
class Grid:
    """
    The rows of one group by line and workload, then by series.

    Args:
        lines: the stacks, each with every combination of costs that a sweep set.
        swept: the names of these costs.
    """

    rows: dict[tuple[Line, str], dict[str, Row]]
    lines: list[Line]
    swept: list[str]
    workloads: list[str]
    context: tuple[tuple[Column, Cell], ...]
    series: str

    @classmethod
    def of(cls, members: list[Row], series: str) -> Grid:
        by_cell: dict[tuple[Line, str], dict[str, Row]] = {}
        for row in members:
            cell = by_cell.setdefault((_line_of(row), row.fact("workload")), {})
            cell[row.fact("series")] = row
        context = ((Column(f, f), _fact_cell(members[0].fact(f))) for f in schema.grouping())
        stacks, workloads = ordered(members, "stack"), ordered(members, "workload")
        lines = sorted(
            dict.fromkeys(map(_line_of, members)), key=lambda line: stacks.index(line[0])
        )
        swept = dict.fromkeys(name for _, sweep in lines for name in values_of(sweep))
        return cls(by_cell, lines, list(swept), workloads, tuple(context), series)

    def table(
        self, name: str, workloads: list[str], cell: Callable[[Line, str], Cell]
    ) -> Table:
        """A table with a row for each line and a column for each of *workloads*."""
        names = [Column(key, key) for key in ("stack", *self.swept)]
        values = [Column(w, self._title(w), Role.VALUE, csv=w) for w in workloads]
        columns = (*names, *values)
        return Table(
            name=name,
            columns=columns,
            rows=tuple(
                (*self._names(line), *(cell(line, workload) for workload in workloads))
                for line in self.lines
            ),
            context=self.context,
            is_matrix=len(columns) <= _WHOLE,
        )

    def _title(self, workload: str) -> str:
        """The name of a workload; that of a recording, of which many are side by side."""
        named = (of_series for (_, name), of_series in self.rows.items() if name == workload)
        row = next(filter(None, map(_any_of, named)), None)
        return workload.partition(":")[2] if row and row.fact("recording") else workload

    def _names(self, line: Line) -> Iterator[Cell]:
        """The stack and the costs of *line*."""
        stack, sweep = line
        values = values_of(sweep)
        yield Cell(stack)
        yield from (_fact_cell(values.get(name)) for name in self.swept)

    def time(self, line: Line, workload: str) -> Cell:
        """The time, or the number of lost IPIs that is the reason for no time, or a dash."""
        of_series = self.rows.get((line, workload), {})
        if row := of_series.get(self.series):
            return quantities.time_cell(row)
        any_row = _any_of(of_series)
        if any_row and any_row.fact("lost"):
            return Cell(None, f"loses {any_row.fact('lost')} of {any_row.fact('targets')}")
        return Cell(None, "-")

    def count(self, line: Line, workload: str) -> Cell:
        """The count that is the series of the grid; a dash without a result."""
        row = _any_of(self.rows.get((line, workload), {}))
        if row is None:
            return Cell(None, "-")
        count = count_of(row, self.series)
        return Cell(count, in_words(count))

    def counts(self, line: Line, workload: str) -> Cell:
        """The ICR writes, hypercalls and exits of one iteration; those of no sends are 0."""
        row = _any_of(self.rows.get((line, workload), {}))
        if row is None or not shows_counts(row):
            return Cell(None, "-")
        counts_by_name = {name: row.fact(name) for name in _LETTERS}
        words = [
            f"?{_LETTERS[name]}" if count is None else f"{count:g}{_LETTERS[name]}"
            for name, count in counts_by_name.items()
            if count != 0
        ]
        if words and self.shows_exits:
            exits = row.fact("exits")
            words.append("?x" if exits is None else f"{exits:g}x")
        return Cell(counts_by_name | _observed(row), " ".join(words) or "0")

    @property
    def shows_exits(self) -> bool:
        """Whether the exits of any case are known."""
        cells = self.rows.values()
        return any(row.fact("exits") is not None for cell in cells for row in cell.values())


def _observed(row: Row) -> dict[str, Any]:
    """The counts that are no proof of a mechanism, for JSON."""
    return {name: row.fact(name) for name in ("exits", "wakeups_polled", "wakeups_blocked")}


def _line_of(row: Row) -> Line:
    return row.fact("stack"), row.fact("sweep") or ""


def _any_of(of_series: dict[str, Row]) -> Row | None:
    return next(iter(of_series.values()), None)


def _fact_cell(fact: Any) -> Cell:
    return Cell(fact, "-" if fact is None else str(fact))
