"""
The runs of a machine over time, as far as reports of a history need them.

A run is read from its result file once.  After that an index in the user's cache has it, so
that a thousand files take no longer than the look at their sizes and times.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench.results import journal, schema
from pvbench.results.files import read
from pvbench.results.rows import Row, rows

_STAMP: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z")
# Facts beside the axes, the software and the host that a history needs of a row.
_KEPT: Final = frozenset(
    (
        *("stack", "clock", "exactness", "program", "lost", "icr_writes", "hypercalls"),
        *("label", "benchmark", "time_unit", "vcpus"),
    )
)
Data = dict[str, Any]  # of JSON


@attrs.frozen(kw_only=True)
class Run:
    """
    One result file.

    Args:
        file: its path.
        date: when it was made, in UTC, as text that sorts by time.
        rows: its series; of their facts those that a history needs.
        plan: the plan of its journal; only the effort of a boot.
    """

    file: str
    date: str
    rows: tuple[Row, ...]
    plan: Mapping[str, Any] = attrs.field(factory=dict)

    def fact(self, name: str) -> str:
        """A fact of the software, of which all rows have one value; empty without one."""
        values = dict.fromkeys(str(row.fact(name) or "") for row in self.rows)
        return ", ".join(filter(None, values))


def of_file(path: Path) -> Run:
    """
    The run in a result file.

    Raises:
        UsageError: the file or its journal cannot be read.
    """
    name = str(path)
    suite = read(name)
    kept = tuple(
        attrs.evolve(row, facts=_kept(row.facts), proved=()) for row in rows(suite, name)
    )
    entries = journal.read(journal.beside(path))
    effort = journal.plan_of(entries).get("effort")
    plan = {"effort": effort} if isinstance(effort, dict) else {}
    return Run(file=name, date=_date(path), rows=kept, plan=plan)


def _kept(facts: Mapping[str, Any]) -> dict[str, Any]:
    names = _KEPT.union(schema.axes(), schema.software())
    return {
        name: value
        for name, value in facts.items()
        if name in names or name.startswith("host_")
    }


def _date(path: Path) -> str:
    """When a run began, by the name of its file; of another file when it was last written."""
    if match := _STAMP.match(path.name):
        year, month, day, hour, minute, second = match.groups()
        return f"{year}-{month}-{day} {hour}:{minute}:{second}"
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return written.strftime("%Y-%m-%d %H:%M:%S")


def in_order(runs: Iterable[Run]) -> list[Run]:
    """The runs, oldest first."""
    return sorted(runs, key=lambda run: (run.date, run.file))


# as JSON


def to_data(run: Run) -> Data:
    """The run as JSON; the facts that all rows share are there once."""
    shared = dict(run.rows[0].facts.items()) if run.rows else {}
    for row in run.rows[1:]:
        shared = {name: value for name, value in shared.items() if row.facts.get(name) == value}
    return {
        "date": run.date,
        "plan": dict(run.plan),
        "shared": shared,
        "rows": [_row_data(row, shared) for row in run.rows],
    }


def _row_data(row: Row, shared: Data) -> list[Any]:
    own = {name: value for name, value in row.facts.items() if name not in shared}
    return [row.name, own, row.boots_s, row.statistic, row.boots, row.sessions]


def from_data(file: str, data: Data) -> Run:
    """The inverse of `to_data`; raises anything for other data."""
    return Run(
        file=file,
        date=str(data["date"]),
        plan=dict(data["plan"]),
        rows=tuple(_row(file, data["shared"], values) for values in data["rows"]),
    )


def _row(file: str, shared: Data, values: list[Any]) -> Row:
    name, own, boots_s, statistic, boots, sessions = values
    return Row(
        name=name,
        facts=shared | own,
        boots_s=tuple(map(float, boots_s)),
        statistic=statistic,
        boots=tuple(boots),
        sessions=tuple(sessions),
        file=file,
    )
