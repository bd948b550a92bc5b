"""The blocks of a claim with its numbers: Test, Units, Interpretation, and the cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from statistics import mean, stdev
from typing import Final

from pvbench.compare.pairs import Pair
from pvbench.document import Block, Cell, Column, Field, Notes, Role, Table, table_of
from pvbench.report.claim.labels import Label, boots, by_side, columns
from pvbench.report.quantities import statistic, time_cell, time_of
from pvbench.results.rows import Row

_LOWER: Final = "Lower is better; the ratio is base divided by new."
_NO_RANKING: Final = "Lower counts are better; path lengths rank no senders."
_KEY: Final = "Base and new are medians of the boots"
_SPREAD: Final = ", with the coefficient of variation in brackets"


def blocks(pairs: Sequence[Pair]) -> Iterator[Block]:
    """How to read the numbers, then for each two sides a table with a row for each case."""
    names = columns(pairs)
    if pairs:
        yield Notes(lines=tuple(_head(pairs)), name="reading")
    for sides, members in by_side(pairs).items():
        yield _table(sides, members, names)


def _head(pairs: Sequence[Pair]) -> Iterator[str]:
    after = pairs[0].after
    series = ", ".join(dict.fromkeys(str(pair.after.fact("series")) for pair in pairs))
    quantity = "path length" if pairs[0].is_near_exact else "time"
    spread = _SPREAD if any(_variation(row) for pair in pairs for row in pair.rows) else ""
    yield f"Test: {after.fact('suite')}"
    yield f"Units: {series} {quantity} of one {after.iteration}"
    yield f"Interpretation: {_LOWER if any(p.is_ranked for p in pairs) else _NO_RANKING}"
    yield f"Statistic: {statistic(after.statistic)} of a boot. {_KEY}{spread}."


def _names(names: Mapping[str, Label]) -> Iterator[Field[Pair]]:
    """The columns that name a case; the first is its workload."""
    for fact, text in names.items():
        title = "Case" if fact == "workload" else fact.replace("_", " ")
        yield Field(Column(fact, title), partial(_cell, text))


def _cell(text: Label, pair: Pair) -> Cell:
    return Cell(text(pair))


def _table(sides: tuple[str, str], pairs: list[Pair], names: Mapping[str, Label]) -> Table:
    baseline, side = sides
    is_ranked = any(pair.is_ranked for pair in pairs)
    fields: list[Field[Pair]] = [
        *_names(names),
        Field(
            Column("base_s", "base", Role.VALUE, csv="base time"),
            lambda pair: _time(pair.before),
        ),
        Field(
            Column("new_s", "new", Role.VALUE, csv="new time"), lambda pair: _time(pair.after)
        ),
        Field(Column("ratio", "ratio", Role.VALUE if is_ranked else Role.DATA), _ratio),
        Field(Column("interval", "interval", _role_of_interval(pairs)), _interval),
        Field(
            Column("verdict", "verdict", Role.VALUE if is_ranked else Role.DATA),
            lambda pair: Cell(pair.verdict or None, pair.verdict or "-"),
        ),
        Field(Column("counts", "counts", Role.VALUE), lambda pair: Cell(pair.counts)),
        Field(Column("boots", "boots", Role.VALUE), _boots),
        Field(Column("base_cv", "", Role.DATA), lambda pair: Cell(_variation(pair.before))),
        Field(Column("new_cv", "", Role.DATA), lambda pair: Cell(_variation(pair.after))),
    ]
    return table_of(
        fields,
        pairs,
        name="cases",
        title=f"Base {baseline}, new {side}:",
        context=((Column("base", "base"), Cell(baseline)), (Column("new", "new"), Cell(side))),
    )


def _time(row: Row) -> Cell:
    """The time of a side, and in brackets how much its boots vary."""
    if not row.has_times:
        return Cell(None, "-")
    variation = _variation(row)
    spread = "" if variation is None else f" ({variation:.1%})".replace("%", " %")
    return time_cell(row, f"{time_of(row)}{spread}")


def _variation(row: Row) -> float | None:
    """The coefficient of variation of the boots; None of an exact clock and of one boot."""
    if row.is_exact or not row.has_times or len(row.boots_s) < 2:
        return None
    return stdev(row.boots_s) / mean(row.boots_s)


def _ratio(pair: Pair) -> Cell:
    if not pair.is_ranked:
        return Cell(None, "-")
    return Cell(pair.speed_ratio, f"{pair.speed_ratio:.3f}")


def _role_of_interval(pairs: list[Pair]) -> Role:
    """An exact ratio has no interval, so its column is for programs."""
    return Role.VALUE if any(pair.judged for pair in pairs) else Role.DATA


def _interval(pair: Pair) -> Cell:
    judged = pair.judged
    if not judged or judged.low is None or judged.high is None:
        return Cell(None, "-")
    return Cell([judged.low, judged.high], f"[{judged.low:.3f}, {judged.high:.3f}]")


def _boots(pair: Pair) -> Cell:
    return Cell([len(row.boots_s) for row in pair.rows], boots(pair).partition(" boot")[0])
