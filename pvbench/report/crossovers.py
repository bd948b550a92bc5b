"""The crossovers of a comparison, as a table and as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import attrs

from pvbench.compare.crossover import Crossover
from pvbench.report.document import Cell, Column, Field, Table, table_of


def table(crossovers: Sequence[Crossover]) -> Table:
    """A row for each crossover; only programs read it."""
    return table_of(_CROSSOVER, crossovers, name="crossovers", shown=False)


def crossings(crossovers: Sequence[Crossover]) -> Iterator[str]:
    """Each family, and below it its sides, those with the same verdicts in one line."""
    families: dict[str, dict[str, list[str]]] = {}
    for one in crossovers:
        verdicts = families.setdefault(_family(one), {})
        verdicts.setdefault(_stretches(one), []).append(one.side)
    for family, verdicts in families.items():
        yield f"{family}:"
        yield from (f"  {text}: {', '.join(sides)}" for text, sides in verdicts.items())


def _attribute(name: str, one: Crossover) -> Cell:
    return Cell(getattr(one, name))


_CROSSOVER: Final = tuple(
    Field[Crossover](Column(field.name, field.name), partial(_attribute, field.name))
    for field in attrs.fields(Crossover)
)


def _family(one: Crossover) -> str:
    """What the verdicts below are about."""
    stack = "" if one.stack == one.baseline else f", {one.stack}"
    conditions = f", {one.conditions}" if one.conditions else ""
    on = f"{one.family} on {one.guest}{stack}{conditions}"
    return f"{on}, {one.series}, against {one.baseline}, by {one.parameter}"


def _stretches(one: Crossover) -> str:
    last = len(one.stretches) - 1
    return ", ".join(
        f"{verdict} at {low}"
        if low == high
        else f"{verdict} from {low} to {high}"
        if place < last or not place
        else f"{verdict} from {low} on (to {high})"
        for place, (verdict, low, high) in enumerate(one.stretches)
    )
