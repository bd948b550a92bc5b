"""
Matching rows: those that differ in one axis only, or in their file, make a pair.

Rows are matched by their facts, never by name.  Times of different clocks are never
ranked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from pvbench.compare.outcomes import Outcomes
from pvbench.compare.pairs import Pair
from pvbench.compare.unpaired import File, Reason, Unpaired
from pvbench.errors import UsageError, unknown
from pvbench.results import schema
from pvbench.results.rows import Row

Files = Mapping[str, Sequence[Row]]


@attrs.frozen
class Matched:
    """The pairs of a comparison, and the series that have no partner."""

    pairs: tuple[Pair, ...]
    unpaired: tuple[Unpaired, ...] = ()


def across_files(
    files: Files,
    whole: Files | None = None,
    outcomes: Mapping[str, Outcomes] | None = None,
) -> Matched:
    """
    Every row of the later files against the same row of the first.

    Args:
        files: the rows to compare, the baseline first.
        whole: the files with the series that are not compared, which tell why one lacks
            a series.
        outcomes: the cases of each file that have no result.

    Raises:
        UsageError: the files cannot be ranked.
    """
    _check_rankable([row for rows in files.values() for row in rows])
    first, *others = _files(files, whole, outcomes)
    pairs: list[Pair] = []
    unpaired: list[Unpaired] = []
    for other in others:
        pairs += _of_both(first, other)
        unpaired += other.without(first, is_baseline=False)
        unpaired += first.without(other, is_baseline=True)
    return Matched(tuple(pairs), tuple(dict.fromkeys(unpaired)))


def _files(
    files: Files, whole: Files | None, outcomes: Mapping[str, Outcomes] | None
) -> list[File]:
    return [
        File(
            name=name,
            rows={row.key(): row for row in rows},
            whole=(whole or files)[name],
            outcomes=(outcomes or {}).get(name, {}),
        )
        for name, rows in files.items()
    ]


def _of_both(first: File, other: File) -> Iterator[Pair]:
    for key, row in other.rows.items():
        if key in first.rows:
            yield Pair(baseline=first.name, side=other.name, before=first.rows[key], after=row)


def by_axis(
    files: Files,
    axis: str,
    baseline: str | None,
    whole: Files | None = None,
    outcomes: Mapping[str, Outcomes] | None = None,
) -> Matched:
    """
    Every row against the one that differs from it in *axis* only.

    The side called *baseline* is the one to compare with; None is the first.  *whole* and
    *outcomes* are those of `across_files`.

    Raises:
        UsageError: the rows cannot be ranked, nothing is called *baseline*, or the files
            hold the same cases.
    """
    sources = _files(files, whole, outcomes)
    together = [row for rows in files.values() for row in rows]
    _check_rankable(together, axis)
    rows, repeated = _once(together)
    pairs = _pairs_by_axis(rows, axis, baseline)
    if repeated and not pairs:
        raise UsageError(
            "the files hold the same cases, so --by has two of each",
            fix="Give it one of them, or leave --by out to compare the files.",
        )
    untimed = (one for source in sources for one in source.without_time())
    return Matched(tuple(pairs), (*repeated, *untimed))


def _once(rows: list[Row]) -> tuple[list[Row], list[Unpaired]]:
    """The rows that are there once, and the others."""
    keys = [(row.key(), schema.side("costs", row.facts)) for row in rows]
    times = Counter(keys)
    once = [row for row, key in zip(rows, keys, strict=True) if times[key] == 1]
    repeated = {
        key: Unpaired(name=row.name, file=row.file, reason=Reason.TWICE)
        for row, key in zip(rows, keys, strict=True)
        if times[key] > 1
    }
    return once, list(repeated.values())


def _pairs_by_axis(rows: list[Row], axis: str, baseline: str | None) -> list[Pair]:
    free = schema.free(axis)
    side_of = [schema.side(axis, row.facts) for row in rows]
    sides = list(dict.fromkeys(side_of))
    if not sides:
        return []
    base = _side_called(baseline, sides)
    sided = list(zip(rows, side_of, strict=True))
    before = {row.key(free): row for row, side in sided if side == base}
    return [
        Pair(baseline=base, side=side, before=before[row.key(free)], after=row)
        for row, side in sided
        if side != base and row.key(free) in before
    ]


def _side_called(name: str | None, sides: list[str]) -> str:
    """
    The one side that *name* can mean, the first for None.

    A cost profile can be named without its hash, an overlay without its driver.
    """
    if name is None:
        return sides[0]
    meant = [side for side in sides if name in (side, side.split(" ")[0], side.split("/")[0])]
    if len(meant) == 1:
        return meant[0]
    if name not in sides:
        raise unknown("side", name, sides, f"Sides: {', '.join(sides)}.")
    return name


def beside(files: Files) -> Matched:
    """
    A prediction (second file) beside the result it predicts, by sender and workload.

    Clocks may differ: the result is a residual, never a ranking.

    Raises:
        UsageError: there are not two files, or their times are of one kind.
    """
    if len(files) != 2:
        raise UsageError("--beside takes two files", fix="First the measured one.")
    reference, predicted = files.values()
    prediction = {_predicted(row): row for row in predicted}
    pairs = tuple(
        Pair(baseline=row.kind, side=other.kind, before=row, after=other)
        for row in reference
        if (other := prediction.get(_predicted(row)))
    )
    if pairs and pairs[0].baseline == pairs[0].side:
        raise UsageError(
            f"--beside takes times of two kinds, and both files have {pairs[0].side} ones",
            fix="Leave it out to compare them.",
        )
    return Matched(pairs)


def _predicted(row: Row) -> tuple[Any, ...]:
    return tuple(row.fact(fact) for fact in schema.predicted())


def _check_rankable(rows: Sequence[Row], axis: str = "") -> None:
    """Refuse rows that have no common measure."""
    _check_one(
        rows,
        lambda row: row.fact("clock"),
        "clocks",
        "Times of different clocks differ in kind.",
    )
    _check_one(
        rows,
        lambda row: f"{row.fact('suite')} version {row.fact('suite_version')}",
        "suites or versions of one",
        "They do not ask the same question.",
    )
    if axis != "costs":
        _check_one(
            rows,
            lambda row: schema.side("costs", row.facts),
            "cost profiles",
            "Add --by costs to do so.",
        )


def _check_one(rows: Sequence[Row], value: Callable[[Row], Any], what: str, fix: str) -> None:
    values = sorted({str(value(row)) for row in rows})
    if len(values) > 1:
        raise UsageError(
            f"results of different {what} are not ranked", why=", ".join(values), fix=fix
        )
