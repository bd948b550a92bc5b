"""The series and cases of a comparison that are in no pair, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pvbench.compare.outcomes import MISSING, NO_BOOT
from pvbench.compare.unpaired import Unpaired
from pvbench.document import Block, Cell, Column, Field, Notes, Role, Table, table_of
from pvbench.text import counted

_NAME: Final = "unpaired"
_UNREACHED: Final = f"{MISSING}: {NO_BOOT}"


def worse(unpaired: Sequence[Unpaired]) -> Iterator[Block]:
    """
    A table for each file with its cases that are worse than slow.

    For people those that a run did not reach are a number.
    """
    for file in dict.fromkeys(one.file for one in unpaired if one.verdict):
        cases = [one for one in unpaired if one.verdict and one.file == file]
        unreached = [one for one in cases if one.detail == _UNREACHED]
        if len(unreached) > 1:
            yield _worse(file, unreached, in_text=False)
            yield Notes(lines=(_number(file, unreached),), in_json=False)
            cases = [one for one in cases if one.detail != _UNREACHED]
        if cases:
            yield _worse(file, cases)


def _worse(file: str, cases: Sequence[Unpaired], *, in_text: bool = True) -> Table:
    return table_of(
        _WORSE,
        cases,
        name=_NAME,
        title=f"Worse than slow in {file}:",
        context=((_FILE, Cell(file)),),
        appended=True,
        in_text=in_text,
    )


def _number(file: str, unreached: Sequence[Unpaired]) -> str:
    regressions = sum(one.is_regression for one in unreached)
    counts = f" ({counted(regressions, 'regression')})" if regressions else ""
    return f"Missing in {file}: {counted(len(unreached), 'case')}, {NO_BOOT}{counts}."


def others(unpaired: Sequence[Unpaired]) -> Table:
    """A row for each other series that is in no pair; the table is shown if it has rows."""
    series = [one for one in unpaired if not one.verdict]
    return table_of(
        _OTHERS, series, name=_NAME, title="Not compared:", shown=bool(series), appended=True
    )


def _why(series: Unpaired) -> Cell:
    """The reason, and whether it is a regression; in JSON as fields."""
    text = series.detail or series.reason.value
    return Cell(_fields(series), f"{text} (regression)" if series.is_regression else text)


def _fields(series: Unpaired) -> dict[str, Any]:
    return {
        "reason": series.reason.value,
        "detail": series.detail,
        "regression": series.is_regression,
    }


_CASE: Final = Field[Unpaired](Column("name", "name", Role.PROSE), lambda one: Cell(one.name))
_FILE: Final = Column("file", "file", Role.PROSE)
_WHY: Final = Field[Unpaired](Column("", "why", Role.PROSE), _why)
_WORSE: Final = (
    Field[Unpaired](Column("verdict", "verdict", Role.VALUE), lambda one: Cell(one.verdict)),
    _CASE,
    _WHY,
)
_OTHERS: Final = (
    Field[Unpaired](Column("verdict", "verdict", Role.DATA), lambda one: Cell("")),
    _CASE,
    Field[Unpaired](_FILE, lambda one: Cell(one.file)),
    _WHY,
)
