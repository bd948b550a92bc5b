"""The document of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from pvbench.compare.comparison import Comparison
from pvbench.compare.unpaired import Unpaired
from pvbench.report import crossovers, pairs
from pvbench.report.document import (
    Block,
    Cell,
    Column,
    Document,
    Field,
    Notes,
    Role,
    Table,
    facts,
    table_of,
)
from pvbench.text import short_hashes

_NO_MATCH: Final = "no series match; --by AXIS pairs those that differ in one thing, see -h"

_NO_SIDES: Final = (
    "--by {axis} has nothing to compare: no two cases are equal in everything but the {axis}"
)


def document(comparison: Comparison) -> Document:
    """What differs, what kind of numbers these are, the pairs and the crossovers."""
    blocks: list[Block] = [
        _differences(comparison),
        _subject(comparison),
        Notes(lines=tuple(_heading(comparison)), in_json=False),
        _pairs(comparison),
        *_crossovers(comparison),
        _unpaired(comparison.unpaired),
    ]
    return Document(blocks)


def warnings(comparison: Comparison) -> Iterator[str]:
    """Sentences about stale files, and about a comparison without pairs."""
    yield from comparison.stale
    axis = comparison.question.by
    if not comparison.pairs:
        yield _NO_SIDES.format(axis=axis) if axis else _NO_MATCH


# above the table


def _differences(comparison: Comparison) -> Table:
    """A fact in each row, the value of each file in a column."""
    values = {one.fact: list(one.values) for one in comparison.differences}
    return attrs.evolve(facts(values, name="differs"), shown=False)


def _subject(comparison: Comparison) -> Table:
    """The files, the baseline first, and the sentences about them, for programs."""
    values = {
        "files": list(comparison.files),
        "stale": list(comparison.stale),
        "remarks": [attrs.asdict(remark) for remark in comparison.remarks],
        "margin_percent": comparison.question.margin_percent,
    }
    return facts(values, shown=False)


def differs(comparison: Comparison) -> Iterator[str]:
    """A line for each fact of software, host and cases that is not the same in all files."""
    for one in comparison.differences:
        yield f"differs: {one.fact}: {' | '.join(map(short_hashes, one.values))}"


def _heading(comparison: Comparison) -> Iterator[str]:
    """Which files these are, and what kind of numbers."""
    yield from differs(comparison)
    if not comparison.question.by:
        first, *others = comparison.files
        yield f"baseline: {first}"
        yield from (f"compared: {name}" for name in others)
    for remark in comparison.remarks:
        yield f"{', '.join(remark.files)}: {remark.text}"
    if comparison.question.beside and comparison.pairs:
        pair = comparison.pairs[0]
        kinds = f"{pair.baseline.capitalize()} and {pair.side}"
        yield f"{kinds} times: residuals, no ranking."
    yield from _how_judged(comparison)


def _how_judged(comparison: Comparison) -> Iterator[str]:
    """How verdicts on a noisy clock come about."""
    if not comparison.noisy or comparison.question.beside:
        return
    yield (
        f"This clock is noisy: verdicts over the medians of boots, corrected for "
        f"{len(comparison.noisy)} pairs; equivalent is within "
        f"{comparison.question.margin_percent:g} %."
    )
    judged = [pair.judged for pair in comparison.noisy if pair.judged]
    if needed := [verdict.boots_needed for verdict in judged if verdict.boots_needed]:
        yield f"Inconclusive ones would need about {max(needed)} boots, see --boots."


# the table


def _pairs(comparison: Comparison) -> Table:
    """A row for each pair; people see the table if there is one."""
    if comparison.question.beside and comparison.pairs:
        return pairs.residuals(comparison.pairs)
    return pairs.ranking(comparison.pairs, comparison.question.by)


# below the table


def _crossovers(comparison: Comparison) -> Iterator[Block]:
    """All of them for programs, and sentences for people."""
    yield crossovers.table(comparison.crossovers)
    yield Notes(lines=tuple(crossovers.crossings(comparison.crossovers)), in_json=False)


def _unpaired(unpaired: Sequence[Unpaired]) -> Table:
    """A row for each series that is compared with nothing; people see the table if any is."""
    return table_of(
        _UNPAIRED,
        unpaired,
        name="unpaired",
        title="Not compared:",
        shown=bool(unpaired),
        appended=True,
    )


def _why(one: Unpaired) -> str:
    """The reason, and whether it is a regression."""
    why = one.detail or one.reason.value
    return f"{why} (regression)" if one.is_regression else why


_UNPAIRED: Final[tuple[Field[Unpaired], ...]] = (
    Field(Column("name", "name", Role.PROSE), lambda one: Cell(one.name)),
    Field(Column("file", "file", Role.PROSE), lambda one: Cell(one.file)),
    Field(Column("", "why", Role.PROSE), lambda one: Cell(_reason(one), _why(one))),
)


def _reason(one: Unpaired) -> dict[str, Any]:
    """The reason for programs."""
    return {
        "reason": one.reason.value,
        "detail": one.detail,
        "regression": one.is_regression,
    }
