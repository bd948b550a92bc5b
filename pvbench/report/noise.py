"""The document of `pvbench noise`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from pvbench.compare.noise import BOOTS, SeriesNoise, median_and_worst
from pvbench.compare.power import POWER
from pvbench.compare.statistics import ALPHA
from pvbench.document import Cell, Column, Document, Field, Notes, Role, Table, table_of
from pvbench.text import counted, percent


def document(series: Sequence[SeriesNoise]) -> Document:
    """The verdicts on equal sides, then a row for each series, the worst first."""
    return Document([Notes(lines=tuple(_summary(series))), _table(series)])


def _summary(series: Sequence[SeriesNoise]) -> Iterator[str]:
    false = sum(one.is_false for one in series)
    yield (
        f"Both sides are equal: {false} of {counted(len(series), 'pair')} got a false verdict, "
        f"`faster` or `slower`.  At most {percent(ALPHA)} of such comparisons have one."
    )
    if spread := median_and_worst(one.spread for one in series):
        yield f"Standard deviation of the ratio of two adjacent boots: {_both(spread)}."
    if finds := median_and_worst(one.finds for one in series):
        yield (
            f"Smallest difference that {BOOTS} pairs of boots detect in {percent(POWER)} of "
            f"the comparisons: {_both(finds)}."
        )
    allowances = [_allowed(one) for one in series]
    if allowed := median_and_worst(allowances):
        yield (
            "Smallest difference that gives a verdict between two runs made one after the "
            f"other, by {counted(_sessions(series), 'session')} (the allowance): "
            f"{_both(allowed)}."
        )


def _sessions(series: Sequence[SeriesNoise]) -> int:
    return max(one.allowance.sessions for one in series if one.allowance)


def _both(numbers: tuple[float, float]) -> str:
    median, worst = numbers
    if median == worst:
        return percent(median)
    return f"{percent(median)} (median), {percent(worst)} (worst series)"


def _table(series: Sequence[SeriesNoise]) -> Table:
    in_order = sorted(series, key=lambda one: one.spread or 0, reverse=True)
    return table_of(_FIELDS, in_order, name="series", shown=bool(series))


def _allowed(one: SeriesNoise) -> float | None:
    """The difference of one pair of whole runs that the allowance covers."""
    return math.expm1(one.allowance.of_pairs(1, ALPHA)) if one.allowance else None


def _part(part: float | None) -> Cell:
    return Cell(part, "" if part is None else percent(part))


_FIELDS: Final[tuple[Field[SeriesNoise], ...]] = (
    Field(Column("name", "series", Role.PROSE), lambda one: Cell(one.name)),
    Field(Column("verdict", "verdict", Role.CONDITION), lambda one: Cell(one.verdict)),
    Field(Column("boots", "boots", Role.CONDITION), lambda one: Cell(one.boots)),
    Field(Column("spread", "deviation", Role.VALUE), lambda one: _part(one.spread)),
    Field(Column("finds", f"{BOOTS} boots detect", Role.VALUE), lambda one: _part(one.finds)),
    Field(Column("allowance", "allowance", Role.VALUE), lambda one: _part(_allowed(one))),
    Field(
        Column("sessions", "sessions", Role.DATA),
        lambda one: Cell(one.allowance.sessions if one.allowance else 0),
    ),
)
