"""Matching of rows that differ only in one axis, such as the sender."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from pvbench.compare.matching import Files, Matches, check_rankable, files_of
from pvbench.compare.outcomes import Outcomes
from pvbench.compare.pairs import Pair
from pvbench.compare.unpaired import File, Reason, Unpaired
from pvbench.errors import UsageError, unknown
from pvbench.results import schema
from pvbench.results.rows import Row

NATIVE: Final = "native"  # the side of the drivers
SENDER: Final = "sender"
OVERLAY: Final = "overlay"  # compared with its own driver


def by_axis(
    files: Files,
    axis: str,
    baseline: str | None,
    all_series: Files | None = None,
    outcomes: Mapping[str, Outcomes] | None = None,
) -> Matches:
    """
    Match every row with the row that differs from it only in *axis*.

    Args:
        files: the rows to compare.
        axis: a choice of the schema.
        baseline: the side that the others are compared with.  None is the driver that the
            kernels of the guests would choose, else the first side; and the drivers if
            overlays are compared.
        all_series: as in `across_files`.
        outcomes: as in `across_files`.

    Raises:
        UsageError: the rows cannot be ranked, no side with times has the name *baseline*,
            or the files contain the same cases.
    """
    sources = files_of(files, all_series, outcomes)
    all_rows = [row for rows in files.values() for row in rows]
    check_rankable(all_rows, (axis,))
    rows, repeated = _split_repeated([row for row in all_rows if not row.fact("lost")])
    pairs = _pairs(rows, axis, baseline, _lossy(sources))
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


def _lossy(sources: list[File]) -> list[Row]:
    """The rows of cases that lose IPIs."""
    rows = (row for source in sources for case in source.cases.values() for row in case)
    return [row for row in rows if row.fact("lost")]


def _pairs(rows: list[Row], axis: str, baseline: str | None, lossy: list[Row]) -> list[Pair]:
    if not rows:
        return []
    free = schema.free(axis)
    groups = [_group(axis, row) for row in rows]
    lossy_groups = [_group(axis, row) for row in lossy]
    baseline_group = _group_named(baseline, axis, groups, lossy_groups, _native(axis, rows))
    rows_and_groups = list(zip(rows, groups, strict=True))
    before = {row.key(free): row for row, group in rows_and_groups if group == baseline_group}
    return [
        Pair(
            baseline=schema.side(axis, before[row.key(free)].facts),
            side=schema.side(axis, row.facts),
            before=before[row.key(free)],
            after=row,
        )
        for row, group in rows_and_groups
        if group != baseline_group and row.key(free) in before
    ]


def _native(axis: str, rows: list[Row]) -> str | None:
    """The driver that the kernels of all guests would choose, if senders are compared."""
    drivers = {row.fact("native_driver") for row in rows} if axis == SENDER else set()
    return str(drivers.pop()) if len(drivers) == 1 else None


def _group(axis: str, row: Row) -> str:
    """The name that --baseline gives to the side of *row*: of a stack that of its sender."""
    return str(row.fact(SENDER)) if axis == OVERLAY else schema.side(axis, row.facts)


def _group_named(
    name: str | None, axis: str, groups: list[str], lossy: list[str], native: str | None
) -> str:
    """
    The only side that *name* can mean; for None *native*, the drivers, or the first side.

    A cost profile can be named without its hash, an overlay without its driver.
    """
    sides = list(dict.fromkeys(groups))
    if name is None:
        return native if native in sides else _default(axis, sides)
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


def _default(axis: str, sides: list[str]) -> str:
    """The side that others are compared with unless the user names one."""
    if axis != OVERLAY:
        return sides[0]
    if NATIVE not in sides:
        raise UsageError(
            "--by overlay compares overlays with their drivers, and no case here is native",
            fix="Run the suite with --sender native too, or give --baseline OVERLAY.",
        )
    return NATIVE


def _can_mean(name: str, side: str) -> bool:
    return name in (side, side.partition(" ")[0], side.partition("/")[0])
