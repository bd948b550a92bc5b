"""The document of a run: stacks down, workloads across, and the cases that did not run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
import pyperf

from pvbench.report.document import (
    Block,
    Cell,
    Column,
    Document,
    Field,
    Heading,
    Notes,
    Paragraph,
    Role,
    Table,
    table_of,
)
from pvbench.report.notes import notes
from pvbench.report.quantities import seconds
from pvbench.results import journal, schema
from pvbench.results.rows import HEADLINE, Row, ordered, rows
from pvbench.text import shortened, some

_LONGEST_NAME: Final = 40  # of a guest in a heading
_LETTERS: Final = {"icr_writes": "w", "hypercalls": "h"}
_SERIES: Final = (
    Field[Row](Column("name", "name"), lambda row: Cell(row.name)),
    Field[Row](Column("value_s", "time", Role.VALUE), lambda row: Cell(row.value_s)),
    Field[Row](Column("boots", "boots", Role.VALUE), lambda row: Cell(len(row.boots_s))),
    Field[Row](Column("", "facts", Role.DATA), lambda row: Cell(row.facts)),
)


def summary(
    suite: pyperf.BenchmarkSuite, entries: journal.Entries, *, series: str = HEADLINE
) -> Document:
    """Tables and notes for everything in a result file and its journal."""
    every = rows(suite)
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in every:
        groups.setdefault(tuple(map(row.fact, schema.grouping())), []).append(row)
    return Document(
        [
            table_of(_SERIES, every, name="series", shown=False),
            *(block for members in groups.values() for block in _group(members, series)),
            Notes(lines=tuple(not_run(entries)), name="not_run"),
        ]
    )


def _group(members: list[Row], series: str) -> Iterator[Block]:
    """What is told of rows that share their guest, their delivery and their costs."""
    row, grid = members[0], _Grid.of(members, series)
    guest = shortened(str(row.fact("guest")), _LONGEST_NAME)
    words = ", ".join(schema.heading(row.facts))
    yield Heading(f"{row.fact('suite')} on {guest}: {words}")
    yield Paragraph(f"{series} time of one burst, {_times_are(row)} ({_boots(members)})")
    yield grid.table("times", grid.workloads, grid.time)
    sending = [workload for workload in grid.workloads if grid.targets(workload)]
    if sending and any(row.fact("icr_writes") is not None for row in members):
        title = "ICR writes (w) and hypercalls (h) of one burst from each source:"
        yield attrs.evolve(grid.table("counts", sending, grid.counts), title=title)
    yield Notes(lines=tuple(notes(members, series)))


@attrs.frozen
class _Grid:
    """The rows of one group by stack and workload, then by series."""

    rows: dict[tuple[str, str], dict[str, Row]]
    stacks: list[str]
    workloads: list[str]
    context: tuple[tuple[Column, Cell], ...]
    series: str

    @classmethod
    def of(cls, members: list[Row], series: str) -> _Grid:
        by_cell: dict[tuple[str, str], dict[str, Row]] = {}
        for row in members:
            cell = by_cell.setdefault((row.fact("stack"), row.fact("workload")), {})
            cell[row.fact("series")] = row
        context = ((Column(f, f), _known(members[0].fact(f))) for f in schema.grouping())
        stacks, workloads = ordered(members, "stack"), ordered(members, "workload")
        return cls(by_cell, stacks, workloads, tuple(context), series)

    def table(self, name: str, workloads: list[str], cell: Callable[[str, str], Cell]) -> Table:
        """Stacks down, *workloads* across."""
        columns = [Column("stack", "stack"), *(Column(w, w, Role.VALUE) for w in workloads)]
        return Table(
            name=name,
            columns=tuple(columns),
            rows=tuple(
                (Cell(stack), *(cell(stack, workload) for workload in workloads))
                for stack in self.stacks
            ),
            context=self.context,
        )

    def time(self, stack: str, workload: str) -> Cell:
        """A time, the loss that takes its place, or a dash."""
        of_series = self.rows.get((stack, workload), {})
        if row := of_series.get(self.series):
            return Cell(row.value_s, seconds(row.value_s))
        other = _any_of(of_series)
        if other and other.fact("lost"):
            return Cell(None, f"loses {other.fact('lost')} of {other.fact('targets')}")
        return Cell(None, "-")

    def counts(self, stack: str, workload: str) -> Cell:
        """The ICR writes and hypercalls of one iteration."""
        row = _any_of(self.rows.get((stack, workload), {}))
        if row is None or row.fact("icr_writes") is None:
            return Cell(None, "-")
        named = {name: row.fact(name) for name in _LETTERS}
        text = " ".join(f"{count:g}{_LETTERS[name]}" for name, count in named.items() if count)
        return Cell(named, text or "0")

    def targets(self, workload: str) -> int:
        """How many targets one iteration of *workload* has."""
        cells = (cell for (_, name), cell in self.rows.items() if name == workload)
        return int(next(filter(None, map(_any_of, cells))).fact("targets") or 0)


def _any_of(of_series: dict[str, Row]) -> Row | None:
    return next(iter(of_series.values()), None)


def _known(fact: Any) -> Cell:
    return Cell(fact, "-" if fact is None else str(fact))


def _times_are(row: Row) -> str:
    if row.kind == "modelled":
        return f"modelled by cost profile {row.fact('costs')}, not measured"
    if row.kind == "published":
        return "as published"
    where = f"{row.fact('delivery')} at {row.fact('site')}"
    return f"measured by {where}, clock {row.fact('clock')}"


def _boots(members: list[Row]) -> str:
    most = max(len(row.boots_s) for row in members)
    if members[0].kind == "published":
        return "single run"
    return "median of 1 boot" if most == 1 else f"median of {most} boots"


def not_run(entries: journal.Entries) -> Iterator[str]:
    """Cases without samples, by reason."""
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    refused = [{entry["case"]: entry} for entry in entries if "case" in entry]
    booted = [boot.get("cases", {}) for boot in journal.boots_of(entries).values()]
    for ended in (*refused, *booted):
        for name, outcome in ended.items():
            if outcome["outcome"] != "ok":
                key = (outcome["outcome"], outcome["reason"])
                reasons.setdefault(key, {})[name] = None
    yield from _incomplete(entries)
    for (outcome, reason), cases in reasons.items():
        yield f"{outcome}: {some(cases, 1, 'case')}: {reason}"


def _incomplete(entries: journal.Entries) -> Iterator[str]:
    """What a run that ended early lacks."""
    planned = journal.plan_of(entries).get("boots", 0)
    done = len(journal.boots_of(entries))
    if done < planned:
        end = next((e for e in reversed(entries) if "end" in e), {})
        why = f"ended by signal {end['signal']}" if end.get("signal") else "did not end"
        yield f"incomplete: {done} of {planned} boots, the run {why}; --resume continues it"
