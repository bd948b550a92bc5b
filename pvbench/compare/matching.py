"""
Matching of rows: two rows that differ only in their file are a pair.

Rows are matched by their facts, never by name.  Times of different clocks are never
ranked, and neither are those of a sender that loses IPIs.  `axis` matches rows that differ
in one axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from pvbench.benchmark_text import SECONDS
from pvbench.compare.interleaved import free_axes
from pvbench.compare.outcomes import Outcomes
from pvbench.compare.pairs import Pair
from pvbench.compare.unpaired import File, Unpaired
from pvbench.errors import UsageError
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
    check_rankable([row for rows in (all_series or files).values() for row in rows], free)
    first, *others = files_of(files, all_series, outcomes, free)
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


def files_of(
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


def beside(files: Files) -> Matches:
    """
    Match each result of the first file with its prediction in the second file.

    Rows match by sender and workload; a fact that the text of another benchmark does not
    tell matches each prediction.  Their clocks may differ, because the difference is shown
    as a residual and never ranked.

    Raises:
        UsageError: there are not two files, their times are of one kind, or some are cycles.
    """
    if len(files) != 2:
        raise UsageError("--beside takes two files", fix="Give the measured file first.")
    reference, predicted = files.values()
    _check_units([*reference, *predicted])
    by_test: dict[tuple[Any, ...], dict[tuple[Any, ...], Row]] = {}
    for row in predicted:
        by_test.setdefault(_test(row), {})[_prediction_key(row)] = row
    pairs = tuple(
        Pair(baseline=row.kind, side=other.kind, before=row, after=other)
        for row in reference
        for other in _predictions(row, by_test.get(_test(row), {}))
    )
    if pairs and pairs[0].baseline == pairs[0].side:
        raise UsageError(
            f"--beside takes times of two kinds, but both files have {pairs[0].side} times",
            fix="Leave out --beside to compare the files.",
        )
    return Matches(pairs)


def _predictions(row: Row, candidates: Mapping[tuple[Any, ...], Row]) -> Iterator[Row]:
    """The rows of *candidates*, by their keys, that predict *row*."""
    key = _prediction_key(row)
    for other_key, other in candidates.items():
        facts = zip(key, other_key, strict=True)
        if all(one == fact or schema.UNKNOWN in (one, fact) for one, fact in facts):
            yield other


def _test(row: Row) -> tuple[Any, ...]:
    return row.fact("workload"), row.fact("series")


def _prediction_key(row: Row) -> tuple[Any, ...]:
    return tuple(row.fact(fact) for fact in schema.predicted())


def _check_units(rows: Sequence[Row]) -> None:
    """Refuse cycles of an unknown rate beside times."""
    row = next((row for row in rows if row.time_unit != SECONDS), None)
    if row is not None:
        raise UsageError(
            f"the times of {row.file} are {row.time_unit}, whose rate it does not tell",
            fix="Add the line of the kernel log that does: tsc: Detected 2500.000 MHz TSC.",
        )


def check_rankable(rows: Sequence[Row], free: tuple[str, ...]) -> None:
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
