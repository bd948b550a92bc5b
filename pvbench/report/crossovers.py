"""The crossovers of a comparison, as a table and as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import attrs

from pvbench.compare.crossover import Crossover
from pvbench.document import Cell, Column, Field, Table, table_of


def table(crossovers: Sequence[Crossover]) -> Table:
    """A row for each crossover, for JSON only."""
    return table_of(_CROSSOVER, crossovers, name="crossovers", shown=False)


def crossings(crossovers: Sequence[Crossover]) -> Iterator[str]:
    """Each family in a line, and below it the sides, with equal verdicts in one line."""
    families: dict[str, dict[str, list[str]]] = {}
    for crossover in crossovers:
        verdicts = families.setdefault(_family(crossover), {})
        verdicts.setdefault(_stretches(crossover), []).append(crossover.side)
    for family, verdicts in families.items():
        yield f"{family}:"
        yield from (f"  {text}: {', '.join(sides)}" for text, sides in verdicts.items())


def _attribute(name: str, crossover: Crossover) -> Cell:
    return Cell(getattr(crossover, name))


_CROSSOVER: Final = tuple(
    Field[Crossover](Column(field.name, field.name), partial(_attribute, field.name))
    for field in attrs.fields(Crossover)
)


def _family(crossover: Crossover) -> str:
    """The family, guest, conditions, series and baseline of the verdicts below."""
    stack = "" if crossover.stack == crossover.baseline else f", {crossover.stack}"
    conditions = f", {crossover.conditions}" if crossover.conditions else ""
    subject = f"{crossover.family} on {crossover.guest}{stack}{conditions}"
    return (
        f"{subject}, {crossover.series}, against {crossover.baseline}, by {crossover.parameter}"
    )


def _stretches(crossover: Crossover) -> str:
    last = len(crossover.stretches) - 1
    return ", ".join(
        f"{verdict} at {low}"
        if low == high
        else f"{verdict} from {low} to {high}"
        if place < last or not place
        else f"{verdict} from {low} on (to {high})"
        for place, (verdict, low, high) in enumerate(crossover.stretches)
    )
