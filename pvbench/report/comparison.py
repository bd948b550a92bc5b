"""The document of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

import attrs

from pvbench.compare.comparison import Comparison
from pvbench.compare.crossover import Crossover
from pvbench.compare.matching import Reason, Unpaired
from pvbench.compare.pairs import Pair, conditions_of
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
from pvbench.report.quantities import change_of_time, seconds
from pvbench.results.rows import Row
from pvbench.text import short_hashes, some

_NO_MATCH: Final = "no series match; --by AXIS pairs those that differ in one thing, see -h"
PairField = Field[Pair]


def document(comparison: Comparison) -> Document:
    """What differs, what kind of numbers these are, the pairs and the crossovers."""
    blocks: list[Block] = [
        _differences(comparison),
        Notes(lines=tuple(_heading(comparison)), name="files"),
        _pairs(comparison),
        *_crossovers(comparison),
        _unpaired(comparison.unpaired),
    ]
    return Document(blocks)


def warnings(comparison: Comparison) -> Iterator[str]:
    """Sentences about everything that the table lacks."""
    yield from comparison.stale
    axis = comparison.question.by
    if not comparison.pairs:
        yield f"no two series differ in {axis} only" if axis else _NO_MATCH
    for reason in Reason:
        if names := [_place(one) for one in comparison.unpaired if one.reason is reason]:
            yield f"{reason.value}: {some(names, 1)}"


def _place(series: Unpaired) -> str:
    return series.name if series.reason is Reason.TWICE else f"{series.name} ({series.file})"


# above the table


def _differences(comparison: Comparison) -> Table:
    """A fact in each row, the value of each file in a column."""
    values = {one.fact: list(one.values) for one in comparison.differences}
    return attrs.evolve(facts(values, name="differs"), shown=False)


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
        return residuals(comparison.pairs)
    return ranking(comparison.pairs, comparison.question.by)


def ranking(pairs: Sequence[Pair], by: str | None = None) -> Table:
    """The verdict of each pair, with both times, their ratio and their counts."""
    fields = [*_cases(pairs, by), *_ranking(pairs), *_for_programs()]
    return table_of(fields, pairs, name="pairs", shown=bool(pairs))


def residuals(pairs: Sequence[Pair]) -> Table:
    """Each prediction beside its reference; there are no verdicts."""
    fields = [*_cases(pairs, None), *_residuals(pairs[0]), *_for_programs()]
    return table_of(fields, pairs, name="pairs")


def _cases(pairs: Sequence[Pair], by: str | None) -> Iterator[PairField]:
    """Columns that say which case a row is about."""
    yield _of_before("workload", Role.NAME)
    several = len({pair.before.fact("series") for pair in pairs}) > 1
    yield _of_before("series", Role.NAME if several else Role.DATA)
    yield _of_before("stack", Role.DATA if by == "sender" else Role.NAME)
    sides = Role.CONDITION if by else Role.DATA
    yield PairField(Column("baseline", "baseline", sides), lambda pair: Cell(pair.baseline))
    yield PairField(
        Column("side", "side", Role.NAME if by else Role.DATA), lambda pair: Cell(pair.side)
    )
    yield _of_before("guest", Role.DATA if by == "guest" else Role.CONDITION)
    for fact in conditions_of(pairs):
        yield _of_before(fact, Role.NAME)


def _of_before(fact: str, role: Role) -> PairField:
    """A fact that both sides of a pair share."""
    column = Column(fact, fact.replace("_", " "), role)
    return PairField(column, lambda pair: Cell(pair.before.fact(fact)))


def _ranking(pairs: Sequence[Pair]) -> Iterator[PairField]:
    yield _times("before_s", "before", lambda pair: pair.before.value_s)
    yield _times("after_s", "after", lambda pair: pair.after.value_s)
    yield PairField(
        Column("speed_ratio", "speed ratio", Role.VALUE),
        lambda pair: Cell(pair.speed_ratio, f"{pair.speed_ratio:.3f}"),
    )
    yield PairField(
        Column("time_reduction", "change of time", Role.VALUE, csv="time reduction"),
        lambda pair: Cell(pair.time_reduction, change_of_time(1 - pair.time_reduction)),
    )
    yield PairField(Column("verdict", "verdict", Role.VALUE), lambda pair: Cell(pair.verdict))
    yield PairField(Column("counts", "counts", Role.VALUE), lambda pair: Cell(pair.counts))
    judged = any(pair.judged for pair in pairs)
    yield PairField(
        Column("ratio_95", "95 % of the ratio", Role.VALUE if judged else Role.DATA), _interval
    )
    assumed = any(pair.assumed for pair in pairs)
    yield PairField(
        Column("assumed", "assumed", Role.VALUE if assumed else Role.DATA),
        lambda pair: Cell(pair.assumed),
    )


def _residuals(first: Pair) -> Iterator[PairField]:
    """The prediction beside its reference; which is which is in their columns."""
    yield _times("before_s", first.baseline, lambda pair: pair.before.value_s)
    yield _times("after_s", first.side, lambda pair: pair.after.value_s)
    yield PairField(Column("residual", "residual", Role.VALUE), _residual)


def _for_programs() -> Iterator[PairField]:
    """Columns of JSON: all about the verdict, and the parts that rest on assumed costs."""
    yield PairField(
        Column("judged", "judged", Role.DATA),
        lambda pair: Cell(attrs.asdict(pair.judged) if pair.judged else None),
    )
    for key, row_of in (("before_assumed", _before), ("after_assumed", _after)):
        yield _assumed(key, row_of)
    yield PairField(Column("verdict", "verdict", Role.DATA), lambda pair: Cell(pair.verdict))


def _assumed(key: str, row_of: Callable[[Pair], Row]) -> PairField:
    column = Column(key, key, Role.DATA)
    return PairField(column, lambda pair: Cell(row_of(pair).fact("assumed")))


def _before(pair: Pair) -> Row:
    return pair.before


def _after(pair: Pair) -> Row:
    return pair.after


def _times(key: str, title: str, time_s: Callable[[Pair], float]) -> PairField:
    column = Column(key, title, Role.VALUE)
    return PairField(column, lambda pair: Cell(time_s(pair), seconds(time_s(pair))))


def _residual(pair: Pair) -> Cell:
    part = pair.after.value_s / pair.before.value_s - 1
    return Cell(part, f"{part:+.1%}")


def _interval(pair: Pair) -> Cell:
    if not pair.judged or pair.judged.low is None:
        return Cell(None, "-")
    low, high = pair.judged.low, pair.judged.high
    return Cell([low, high], f"{low:.3f} to {high:.3f}")


# below the table


def _crossovers(comparison: Comparison) -> Iterator[Block]:
    """All of them for programs, and sentences for people."""
    yield table_of(_CROSSOVER, comparison.crossovers, name="crossovers", shown=False)
    yield Notes(lines=tuple(crossings(comparison.crossovers)), name="verdicts")


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


def _unpaired(unpaired: Sequence[Unpaired]) -> Table:
    fields: list[Field[Unpaired]] = [
        Field(Column("name", "name"), lambda one: Cell(one.name)),
        Field(Column("file", "file"), lambda one: Cell(one.file)),
        Field(Column("reason", "reason"), lambda one: Cell(one.reason.value)),
    ]
    return table_of(fields, unpaired, name="unpaired", shown=False)
