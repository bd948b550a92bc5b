"""The document of a run: a table of stacks by workloads, and the cases that did not run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import pyperf

from pvbench.compare import of_run
from pvbench.document import (
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
from pvbench.report import outcomes, overtaking, programs, quantities
from pvbench.report.grid import Grid, shows_counts
from pvbench.report.notes import notes
from pvbench.results import journal, schema
from pvbench.results.incomplete import incomplete
from pvbench.results.rows import HEADLINE, Row, ordered, rows
from pvbench.results.statistic import MEDIAN
from pvbench.slice_result import RATE
from pvbench.text import counted, listed, shortened_list

# By what the times of a row are of.
_SENT: Final = {
    "burst": "a burst of each source",
    "run": "one run, which was traced and not timed",
    "recording": "all sends of a recording, each alone",
}
_SERIES: Final = (
    Field[Row](Column("name", "name"), lambda row: Cell(row.name)),
    Field[Row](Column("value_s", "time", Role.VALUE), quantities.time_cell),
    Field[Row](Column("kind", "kind"), lambda row: Cell(row.kind)),
    Field[Row](Column("statistic", "statistic"), lambda row: Cell(row.statistic)),
    Field[Row](Column("boots", "boots", Role.VALUE), lambda row: Cell(len(row.boots_s))),
    Field[Row](Column("", "facts", Role.DATA), lambda row: Cell(row.facts)),
)


def summary(
    suite: pyperf.BenchmarkSuite,
    entries: journal.Entries,
    *,
    series: str = HEADLINE,
    statistic: str = MEDIAN,
) -> Document:
    """Build the tables and notes of a result file and its journal."""
    all_rows = rows(suite, statistic=statistic)
    return Document(
        [
            series_table(all_rows),
            *tables(all_rows, series),
            *_crossovers(all_rows, series),
            Notes(lines=tuple(not_run(entries)), name="not_run"),
            outcomes.of_run(all_rows, entries),
        ]
    )


def tables(rows: Iterable[Row], series: str = HEADLINE) -> Iterator[Block]:
    """The blocks about the rows of each table."""
    for members in groups(rows):
        yield from _group(members, series)


def series_table(rows: Iterable[Row]) -> Table:
    """Every series with its facts, for JSON only."""
    return table_of(_SERIES, rows, name="series", shown=False)


def _crossovers(rows: list[Row], series: str) -> Iterator[Block]:
    """The values at which senders of a workload family overtake others."""
    if crossovers := of_run.crossovers(rows, series):
        yield from overtaking.blocks(crossovers)


def groups(rows: Iterable[Row]) -> Iterable[list[Row]]:
    """The rows of each table, which share a guest, a delivery and a cost profile."""
    members: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        members.setdefault(tuple(map(row.fact, schema.grouping())), []).append(row)
    return members.values()


def _group(members: list[Row], series: str) -> Iterator[Block]:
    """The blocks about the rows of one table."""
    grid = Grid.of(members, series)
    yield from introduction(members, series, members[0].statistic)
    if members[0].has_times:
        yield grid.table("times", grid.workloads, grid.time)
        if members[0].fact("program"):
            yield from programs.rates(grid)
    sending_workloads = _sending(members)
    if sending_workloads and any(map(shows_counts, members)):
        kinds = ["ICR writes (w)", "hypercalls (h)", *["exits (x)"][: grid.shows_exits]]
        title = f"{listed(kinds)} of {_SENT[members[0].iteration]}:"
        yield attrs.evolve(grid.table("counts", sending_workloads, grid.counts), title=title)
    yield Notes(lines=(*notes(members, series), *programs.unused(members)))


def introduction(members: list[Row], series: str, statistic: str = "") -> Iterator[Block]:
    """The heading of a table, and a line with the kind of its times and their origin."""
    row = members[0]
    yield heading(row)
    if not row.has_times:
        yield Paragraph(f"counts, {_source_of_times(row)}; its times say nothing")
        return
    yield origin(
        members, f"{quantities.statistic(statistic)} {_quantity(row, series)}".lstrip()
    )


def _quantity(row: Row, series: str) -> str:
    """What the values of *series* are."""
    if series == RATE:
        return "IPIs per second of all sources together"
    quantity = "path length" if row.is_near_exact else "time"
    return f"{series} {quantity} of one {row.iteration}"


def heading(row: Row) -> Heading:
    """The suite and what all rows of a table share."""
    if row.benchmark:
        return Heading(f"{row.fact('suite')}: the text does not tell the sender or the guest")
    description = ", ".join(schema.heading(row.facts))
    return Heading(f"{row.fact('suite')} on {row.fact('guest')}: {description}")


def origin(members: Sequence[Row], quantity: str) -> Paragraph:
    """Where the numbers of a table come from."""
    return Paragraph(f"{quantity}, {_source_of_times(members[0])} ({_boots(members)})")


def _sending(members: list[Row]) -> list[str]:
    """The workloads with targets, and programs, of which the kernel decides what they send."""
    rows = {row.fact("workload"): row for row in reversed(members)}
    return [
        name
        for name in ordered(members, "workload")
        if rows[name].fact("targets") or rows[name].fact("program")
    ]


def _source_of_times(row: Row) -> str:
    if row.kind == "modelled":
        costs = row.fact("costs")
        return f"modelled{f' by cost profile {costs}' if costs else ''}, not measured"
    if row.kind == "published":
        return "as published"
    if row.benchmark:
        return f"{row.kind}, not by pvbench"
    place = f"{row.fact('delivery')} at {row.fact('site')}"
    return f"{row.kind} by {place}, clock {row.fact('clock')}"


def _boots(members: Sequence[Row]) -> str:
    boots = max(len(row.boots_s) for row in members)
    if members[0].is_single_value:
        return "single run"
    if members[0].benchmark:
        return f"median of up to {boots} runs"
    return "median of 1 boot" if boots == 1 else f"median of {boots} boots"


def not_run(entries: journal.Entries) -> Iterator[str]:
    """The number of missing boots, and the cases that have no result."""
    if journal.is_settled(entries):
        planned, finished = journal.plan_of(entries).get("boots", 0), journal.boots_of(entries)
        yield f"settled: the run ended after {len(finished)} of at most {planned} boots"
    yield from filter(None, [incomplete(entries)])
    yield from refused(entries)


def refused(entries: journal.Entries) -> Iterator[str]:
    """The cases that have no result, by reason."""
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    planned = [{entry["case"]: entry} for entry in entries if "case" in entry]
    booted = [boot.get("cases", {}) for boot in journal.boots_of(entries).values()]
    for of_cases in (*planned, *booted):
        for name, outcome in of_cases.items():
            if outcome["outcome"] != "ok":
                key = (outcome["outcome"], outcome["reason"])
                reasons.setdefault(key, {})[name] = None
    for (outcome, cases), texts in _by_cases(reasons).items():
        others = len(texts) - 1
        more = f" ({counted(others, 'other reason')} in other boots)" if others else ""
        yield f"{outcome}: {shortened_list(cases, 1, 'case')}: {texts[0]}{more}"


def _by_cases(
    reasons: Mapping[tuple[str, str], Iterable[str]],
) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """The reasons of an outcome of the same cases, which differ in their numbers only."""
    merged: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (outcome, reason), cases in reasons.items():
        merged.setdefault((outcome, tuple(cases)), []).append(reason)
    return merged
