"""The table of a comparison's pairs: a ranking with verdicts, or residuals."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import attrs

from pvbench.compare.axis import OVERLAY, SENDER
from pvbench.compare.pairs import COUNTS, Pair, conditions_of
from pvbench.document import Cell, Column, Field, Role, Table, table_of
from pvbench.report.quantities import change_of_length, change_of_time, time_cell
from pvbench.results import counts
from pvbench.results.rows import Row
from pvbench.results.schema import UNKNOWN

PairField = Field[Pair]
_OBSERVED: Final = ("exits", "wake-ups")  # counts that are no proof of a mechanism
_IN_JSON: Final = (*COUNTS, "exits", "wakeups_polled", "wakeups_blocked")
_BY_STACK: Final = (SENDER, OVERLAY)  # the sides are stacks


def ranking(pairs: Sequence[Pair], by: str | None = None) -> Table:
    """The verdict of each pair, with both times, their ratio and their counts."""
    fields = [*_cases(pairs, by), *_ranking(pairs), *_for_programs()]
    return table_of(fields, pairs, name="pairs", shown=bool(pairs))


def residuals(pairs: Sequence[Pair]) -> Table:
    """Each prediction beside its reference; there are no verdicts."""
    fields = [*_cases(pairs, None), *_residuals(pairs[0]), *_for_programs()]
    return table_of(fields, pairs, name="pairs")


def of_counts(pairs: Sequence[Pair], by: str | None = None) -> Table:
    """Both counts of each pair; what a host cannot show is unknown."""
    fields = [*_cases(pairs, by), *_COUNTED]
    return table_of(fields, pairs, name="pairs", shown=bool(pairs))


def _cases(pairs: Sequence[Pair], by: str | None) -> Iterator[PairField]:
    """The columns that identify the case of a row."""
    yield _of_before("workload", Role.NAME)
    several = len({pair.before.fact("series") for pair in pairs}) > 1
    yield _of_before("series", Role.NAME if several else Role.DATA)
    yield _of_before("stack", Role.DATA) if by in _BY_STACK else _STACKS
    baseline_role = Role.NAME if by == OVERLAY else Role.CONDITION if by else Role.DATA
    yield PairField(
        Column("baseline", "baseline", baseline_role), lambda pair: Cell(pair.baseline)
    )
    named = by or len({pair.side for pair in pairs}) > 1
    yield PairField(
        Column("side", "side", Role.NAME if named else Role.DATA), partial(_side, by)
    )
    yield _of_before("guest", Role.DATA if by == "guest" else Role.CONDITION)
    for fact in conditions_of(pairs):
        yield _of_before(fact, Role.NAME)


def _stacks(pair: Pair) -> Cell:
    """The stack of both sides, or those of two sides whose stacks differ."""
    stacks = dict.fromkeys(str(row.fact("stack")) for row in pair.rows)
    return Cell(" | ".join(s for s in stacks if s != UNKNOWN) or UNKNOWN)


_STACKS: Final = PairField(Column("stack", "stack", Role.NAME), _stacks)


def _side(by: str | None, pair: Pair) -> Cell:
    """The name of a side; for people an overlay beside its driver stands for the stack."""
    return Cell(pair.side, str(pair.after.fact("sender")) if by == OVERLAY else pair.side)


def _of_before(fact: str, role: Role) -> PairField:
    """A fact that both sides of a pair share."""
    column = Column(fact, fact.replace("_", " "), role)
    return PairField(column, lambda pair: Cell(_shared(pair, fact)))


def _shared(pair: Pair, fact: str) -> Any:
    """A fact of both sides, of which one may not tell it."""
    before, after = (row.fact(fact) for row in pair.rows)
    return after if before == UNKNOWN else before


def _ranking(pairs: Sequence[Pair]) -> Iterator[PairField]:
    yield _times("before_s", "before", lambda pair: pair.before)
    yield _times("after_s", "after", lambda pair: pair.after)
    yield from _changes(pairs)
    yield PairField(Column("verdict", "verdict", _role(_is_ranked(pairs))), _verdict)
    yield PairField(
        Column("counts", "counts", Role.VALUE), lambda pair: Cell(_counts(pair), pair.counts)
    )
    yield from (_observed(series, pairs) for series in _OBSERVED)
    judged = any(pair.judged for pair in pairs)
    yield PairField(Column("ratio_95", "interval of the ratio", _role(judged)), _interval)
    assumed = any(pair.assumed for pair in pairs)
    yield PairField(Column("assumed", "assumed", _role(assumed)), _assumed)


def _changes(pairs: Sequence[Pair]) -> Iterator[PairField]:
    """The ratio of the times and their change; a path length has no speed, a rate no time."""
    lengths = any(pair.is_near_exact for pair in pairs)
    changes = _is_ranked(pairs) and not all(pair.before.is_rate for pair in pairs)
    title = "change of path length" if lengths else "change of time"
    yield PairField(
        Column("speed_ratio", "speed ratio", _role(not lengths)),
        lambda pair: _ranked(pair, pair.speed_ratio, f"{pair.speed_ratio:.3f}"),
    )
    yield PairField(
        Column("time_reduction", title, _role(changes), csv="time reduction"), _change
    )


def _role(shown: bool) -> Role:
    return Role.VALUE if shown else Role.DATA


def _is_ranked(pairs: Sequence[Pair]) -> bool:
    return any(pair.is_ranked for pair in pairs) or not pairs


def _ranked(pair: Pair, value: float, text: str) -> Cell:
    """A comparison of the times of a pair; a dash if they are not ranked."""
    return Cell(value, text) if pair.is_ranked else Cell(None, "-")


def _change(pair: Pair) -> Cell:
    if pair.before.is_rate:
        return _ranked(pair, pair.time_reduction, "-")
    in_words = change_of_length if pair.is_near_exact else change_of_time
    return _ranked(pair, pair.time_reduction, in_words(1 - pair.time_reduction))


def _residuals(first: Pair) -> Iterator[PairField]:
    """The reference and the prediction, in columns with their kinds as titles."""
    yield _times("before_s", first.baseline, lambda pair: pair.before)
    yield _times("after_s", first.side, lambda pair: pair.after)
    yield PairField(Column("residual", "residual", Role.VALUE), _residual)


def _for_programs() -> Iterator[PairField]:
    """Columns for JSON: the verdict in full, and the parts that depend on assumed costs."""
    yield PairField(
        Column("judged", "judged", Role.DATA),
        lambda pair: Cell(attrs.asdict(pair.judged) if pair.judged else None),
    )
    yield PairField(Column("assumed", "assumed", Role.DATA), _assumed)
    yield PairField(Column("verdict", "verdict", Role.DATA), _verdict)


def _verdict(pair: Pair) -> Cell:
    return Cell(pair.verdict or None, pair.verdict or "-")


def _assumed(pair: Pair) -> Cell:
    """The parts of both times that depend on assumed costs; None if unknown."""
    parts = {side: row.fact("assumed") for side, row in _sides(pair)}
    return Cell(parts, pair.assumed)


def _counts(pair: Pair) -> dict[str, dict[str, Any]]:
    """The counts of one iteration of both sides, for JSON."""
    return {side: {name: row.fact(name) for name in _IN_JSON} for side, row in _sides(pair)}


def _differ(before: float | None, after: float | None) -> bool:
    """Whether counts of one iteration differ by an event, not by chance events of a few."""
    if before is None or after is None:
        return before != after
    return abs(after - before) >= 1


def _observed(series: str, pairs: Sequence[Pair]) -> PairField:
    """A count of both sides; people see it if the sides differ, programs if it is known."""

    def counted(pair: Pair) -> dict[str, float | None]:
        return {side: counts.count_of(row, series) for side, row in _sides(pair)}

    def cell(pair: Pair) -> Cell:
        texts = map(counts.in_words, counted(pair).values())
        return Cell(counted(pair), " -> ".join(dict.fromkeys(texts)))

    both = [tuple(counted(pair).values()) for pair in pairs]
    is_known = any(sides != (None, None) for sides in both)
    differs = any(itertools.starmap(_differ, both))
    role = Role.VALUE if differs else Role.TABLE if is_known else Role.DATA
    return PairField(Column(series.replace("-", "_"), series, role), cell)


def _sides(pair: Pair) -> tuple[tuple[str, Row], ...]:
    return ("before", pair.before), ("after", pair.after)


def _times(key: str, title: str, side: Callable[[Pair], Row]) -> PairField:
    """The time of a side; a dash if it says nothing."""
    return PairField(Column(key, title, Role.VALUE), lambda pair: _time(side(pair)))


def _time(row: Row) -> Cell:
    if not row.has_times:
        return Cell(None, "-")
    return time_cell(row)


def _residual(pair: Pair) -> Cell:
    part = pair.after.value_s / pair.before.value_s - 1
    return Cell(part, f"{part:+.1%}")


def _count(row: Row) -> Cell:
    return Cell(row.count, counts.in_words(row.count))


def _difference(pair: Pair) -> Cell:
    """The count after minus the count before."""
    before, after = (row.count for row in pair.rows)
    if before is None or after is None:
        return Cell(None, "unknown")
    return Cell(after - before, f"{after - before:+g}" if after != before else "0")


_COUNTED: Final = (
    PairField(Column("before", "before", Role.VALUE), lambda pair: _count(pair.before)),
    PairField(Column("after", "after", Role.VALUE), lambda pair: _count(pair.after)),
    PairField(Column("difference", "difference", Role.VALUE), _difference),
)


def _interval(pair: Pair) -> Cell:
    if not pair.judged or pair.judged.low is None:
        return Cell(None, "-")
    low, high = pair.judged.low, pair.judged.high
    return Cell([low, high], f"{low:.3f} to {high:.3f}")
