"""What differs between result files besides their times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from pvbench.results import schema
from pvbench.results.rows import Row

ABSENT = "-"  # an axis that a file does not have


@attrs.frozen
class Difference:
    """A fact that is not the same in all files: its values, one text for each file."""

    fact: str
    values: tuple[str, ...]


def of_origin(files: Iterable[Sequence[Row]]) -> Iterator[Difference]:
    """Differences of software, where at least two files tell."""
    columns = list(files)
    for fact in schema.software():
        values = tuple(_text(rows, fact) for rows in columns)
        if len(set(filter(None, values))) > 1:
            yield Difference(fact, values)


def of_cases(files: Iterable[Sequence[Row]]) -> Iterator[Difference]:
    """Differences of the axes: the files are not about the same cases."""
    columns = list(files)
    for fact in schema.axes():
        values = tuple(_text(rows, fact) or ABSENT for rows in columns)
        if len(set(values)) > 1:
            yield Difference(fact, values)


def _text(rows: Sequence[Row], fact: str) -> str:
    """Every value of a fact, each once."""
    values = {str(row.fact(fact)) for row in rows if row.fact(fact) is not None}
    return ", ".join(sorted(values))
