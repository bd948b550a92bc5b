"""Differences between result files other than their times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from pvbench.host.facts import UNKNOWN
from pvbench.results import schema
from pvbench.results.fact import FactRole
from pvbench.results.rows import Row

ABSENT = "-"  # an axis that a file does not have


@attrs.frozen
class Difference:
    """A fact that is not the same in all files, with its values as one text for each file."""

    fact: str
    values: tuple[str, ...]


def of_origin(files: Iterable[Sequence[Row]]) -> Iterator[Difference]:
    """Differences of software and host between files that record them."""
    columns = list(files)
    for fact in (*schema.software(), *_host_facts(columns)):
        values = tuple(_text(rows, fact, without=UNKNOWN) for rows in columns)
        if len(set(filter(None, values))) > 1:
            yield Difference(fact, values)


def of_cases(files: Iterable[Sequence[Row]]) -> Iterator[Difference]:
    """
    Differences of the axes, which mean that the files have different cases.

    A file without rows has no cases that could differ.
    """
    columns = list(files)
    for fact in schema.axes():
        values = tuple(_text(rows, fact) or ABSENT for rows in columns)
        if len({value for value, rows in zip(values, columns, strict=True) if rows}) > 1:
            yield Difference(fact, values)


def _host_facts(files: list[Sequence[Row]]) -> list[str]:
    names = dict.fromkeys(name for rows in files for row in rows for name in row.facts)
    return [name for name in names if schema.role_of(name) is FactRole.HOST]


def _text(rows: Sequence[Row], fact: str, without: str = "") -> str:
    """All values of *fact* in *rows*, each once."""
    values = {str(row.fact(fact)) for row in rows if row.fact(fact) is not None}
    return ", ".join(sorted(values - {without}))
