"""
Matching of rows: two rows that differ only in one axis, or in their file, are a pair.

Rows are matched by their facts, never by name.  Times of different clocks are never
ranked, and neither are those of a sender that loses IPIs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from pvbench.compare.interleaved import free_axes
from pvbench.compare.outcomes import Outcomes
from pvbench.compare.pairs import Pair
from pvbench.compare.unpaired import File, Reason, Unpaired
from pvbench.errors import UsageError, unknown
from pvbench.results import schema
from pvbench.results.rows import Row

Files = Mapping[str, Sequence[Row]]


@attrs.frozen
class Matches:
    """The pairs of a comparison, and the series that are in no pair."""

    pairs: tuple[Pair, ...]
    unpaired: tuple[Unpaired, ...] = ()


def across_files(
    files: Files,
    all_series: Files | None = None,
    outcomes: Mapping[str, Outcomes] | None = None,
) -> Matches:
    """
    Match every row of the later files with the same row of the first file.

    Args:
        files: the rows to compare, the baseline first.
        all_series: the rows of each file in all series, which explain why a series is
            missing.
        outcomes: the cases of each file that have no result, or not in every boot.

    Raises:
        UsageError: the files cannot be ranked.
    """
    free = free_axes(all_series or files) or _free_site(all_series or files)
    _check_rankable([row for rows in (all_series or files).values() for row in rows], free)
    first, *others = _files(files, all_series, outcomes, free)
    pairs: list[Pair] = []
    unpaired: list[Unpaired] = []
    for other in others:
        pairs += _common_pairs(first, other)
        unpaired += other.got_worse(first)
        unpaired += other.added_to(first)
    return Matches(tuple(pairs), tuple(dict.fromkeys(unpaired)))


def _free_site(files: Files) -> tuple[str, ...]:
    """The site, whose kernel is compared by path lengths, if each file has one site."""
    rows = [row for rows in files.values() for row in rows]
    one_site = all(len({row.fact("site") for row in rows}) == 1 for rows in files.values())
    return ("site",) if one_site and all(row.is_near_exact for row in rows) else ()


def _files(
    files: Files,
    all_series: Files | None,
    outcomes: Mapping[str, Outcomes] | None,
    free: tuple[str, ...] = (),
) -> list[File]:
    return [
        File.of(name, rows, (all_series or files)[name], (outcomes or {}).get(name, {}), free)
        for name, rows in files.items()
    ]


def _common_pairs(first: File, other: File) -> Iterator[Pair]:
    for key, row in other.rows.items():
        if key in first.rows:
            yield Pair(baseline=first.name, side=other.name, before=first.rows[key], after=row)


def by_axis(
    files: Files,
    axis: str,
    baseline: str | None,
    all_series: Files | None = None,
    outcomes: Mapping[str, Outcomes] | None = None,
) -> Matches:
    """
    Match every row with the row that differs from it only in *axis*.

    The other sides are compared with *baseline*; None is the first side.  *all_series*
    and *outcomes* are those of `across_files`.

    Raises:
        UsageError: the rows cannot be ranked, no side with times has the name *baseline*,
            or the files contain the same cases.
    """
    sources = _files(files, all_series, outcomes)
    all_rows = [row for rows in files.values() for row in rows]
    _check_rankable(all_rows, (axis,))
    rows, repeated = _split_repeated([row for row in all_rows if not row.fact("lost")])
    pairs = _pairs_by_axis(rows, axis, baseline, _lossy_sides(sources, axis))
    if repeated and not pairs:
        raise UsageError(
            "the files contain the same cases, so --by has two results for each",
            fix="Give one of the files, or leave out --by to compare the files.",
        )
    worse = (series for source in sources for series in source.worse_than_slow())
    return Matches(tuple(pairs), (*worse, *repeated))


def _split_repeated(rows: list[Row]) -> tuple[list[Row], list[Unpaired]]:
    """The rows whose key occurs once, and the others as unpaired series."""
    keys = [(row.key(), schema.side("costs", row.facts)) for row in rows]
    occurrences = Counter(keys)
    single = [row for row, key in zip(rows, keys, strict=True) if occurrences[key] == 1]
    repeated = {
        key: Unpaired(name=row.name, file=row.file, reason=Reason.TWICE)
        for row, key in zip(rows, keys, strict=True)
        if occurrences[key] > 1
    }
    return single, list(repeated.values())


def _lossy_sides(sources: list[File], axis: str) -> list[str]:
    """The sides of *axis* with a case that loses IPIs."""
    rows = (row for source in sources for case in source.cases.values() for row in case)
    return [schema.side(axis, row.facts) for row in rows if row.fact("lost")]


def _pairs_by_axis(
    rows: list[Row], axis: str, baseline: str | None, lossy: list[str]
) -> list[Pair]:
    free = schema.free(axis)
    side_of = [schema.side(axis, row.facts) for row in rows]
    sides = list(dict.fromkeys(side_of))
    if not sides:
        return []
    baseline_side = _side_named(baseline, sides, lossy)
    rows_and_sides = list(zip(rows, side_of, strict=True))
    before = {row.key(free): row for row, side in rows_and_sides if side == baseline_side}
    return [
        Pair(baseline=baseline_side, side=side, before=before[row.key(free)], after=row)
        for row, side in rows_and_sides
        if side != baseline_side and row.key(free) in before
    ]


def _side_named(name: str | None, sides: list[str], lossy: list[str]) -> str:
    """
    The only side that *name* can mean; the first side for None.

    A cost profile can be named without its hash, an overlay without its driver.
    """
    if name is None:
        return sides[0]
    matching_sides = [side for side in sides if _can_mean(name, side)]
    if len(matching_sides) == 1:
        return matching_sides[0]
    if not matching_sides and any(_can_mean(name, side) for side in lossy):
        raise UsageError(
            f"side {name} loses IPIs, so it has no time to compare with",
            fix=f"Sides with times: {', '.join(sides)}.",
        )
    if name not in sides:
        raise unknown("side", name, sides, f"Sides: {', '.join(sides)}.")
    return name


def _can_mean(name: str, side: str) -> bool:
    return name in (side, side.partition(" ")[0], side.partition("/")[0])


def beside(files: Files) -> Matches:
    """
    Match each result of the first file with its prediction in the second file.

    Rows match by sender and workload.  Their clocks may differ, because the difference
    is shown as a residual and never ranked.

    Raises:
        UsageError: there are not two files, or their times are of one kind.
    """
    if len(files) != 2:
        raise UsageError("--beside takes two files", fix="Give the measured file first.")
    reference, predicted = files.values()
    prediction = {_prediction_key(row): row for row in predicted}
    pairs = tuple(
        Pair(baseline=row.kind, side=other.kind, before=row, after=other)
        for row in reference
        if (other := prediction.get(_prediction_key(row)))
    )
    if pairs and pairs[0].baseline == pairs[0].side:
        raise UsageError(
            f"--beside takes times of two kinds, but both files have {pairs[0].side} times",
            fix="Leave out --beside to compare the files.",
        )
    return Matches(pairs)


def _prediction_key(row: Row) -> tuple[Any, ...]:
    return tuple(row.fact(fact) for fact in schema.predicted())


def _check_rankable(rows: Sequence[Row], free: tuple[str, ...]) -> None:
    """Refuse rows whose times must not be ranked against each other."""
    _check_equal(
        rows,
        lambda row: row.fact("clock"),
        "clocks",
        "Times of different clocks cannot be ranked.",
    )
    _check_equal(
        rows,
        lambda row: f"{row.fact('suite')} version {row.fact('suite_version')}",
        "suites or versions of one",
        "Compare results of one suite and version.",
    )
    if "costs" not in free:
        by_sweep: dict[Any, list[Row]] = {}
        for row in rows:
            by_sweep.setdefault(row.fact("sweep"), []).append(row)
        fix = "Add --by costs to compare the cost profiles."
        for members in by_sweep.values():
            _check_equal(members, _cost_profile, "cost profiles", fix)


def _cost_profile(row: Row) -> str:
    """The cost profile of a row by name and hash, also if its name in a side has no hash."""
    sha256 = f" {row.fact('costs_sha256')!s:.8}" if row.fact("sweep") else ""
    return f"{schema.side('costs', row.facts)}{sha256}"


def _check_equal(rows: Sequence[Row], value: Callable[[Row], Any], noun: str, fix: str) -> None:
    values = sorted({str(value(row)) for row in rows})
    if len(values) > 1:
        raise UsageError(
            f"results of different {noun} are not ranked", why=", ".join(values), fix=fix
        )
