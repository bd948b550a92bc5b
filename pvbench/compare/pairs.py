"""
Comparing results: rows that differ in one axis only, or in their file.

Cases are matched by metadata.  Exact clocks are compared exactly and counts by
equality; times of different clocks are never ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs

from pvbench.compare.statistics import Verdict
from pvbench.delivery import EXACT_CLOCKS
from pvbench.errors import UsageError, unknown
from pvbench.results import schema
from pvbench.results.fact import Role
from pvbench.results.rows import Row

COUNTS: Final = ("icr_writes", "hypercalls", "lost")


@attrs.frozen(kw_only=True)
class Pair:
    """
    One series of two sides, *before* being the baseline.

    Args:
        baseline, side: what the two sides are called.
        judged: the verdict on a noisy clock, from `judged`.
    """

    baseline: str
    side: str
    before: Row
    after: Row
    judged: Verdict | None = None

    @property
    def speed_ratio(self) -> float:
        """How many times as fast: time before over time after."""
        return self.before.value_s / self.after.value_s

    @property
    def time_reduction(self) -> float:
        """Part of the time that is saved; negative if it takes longer."""
        return 1 - self.after.value_s / self.before.value_s

    @property
    def is_noisy(self) -> bool:
        """A clock of the two does not repeat itself."""
        return not {self.before.fact("clock"), self.after.fact("clock")} <= {*EXACT_CLOCKS}

    @property
    def verdict(self) -> str:
        """``faster``, ``slower``, ``equal``; on a noisy clock that of `stats`."""
        if self.is_noisy:
            return self.judged.kind if self.judged else "inconclusive"
        if self.before.boots_s[0] == self.after.boots_s[0]:
            return "equal"
        return "faster" if self.after.value_s < self.before.value_s else "slower"

    @property
    def assumed(self) -> str:
        """Parts of both times that rest on assumed costs; empty if they are measured."""
        parts = [row.fact("assumed") for row in (self.before, self.after)]
        if parts == [None, None]:
            return ""
        shown = ["unknown" if part is None else f"{part:.0%}" for part in parts]
        return " -> ".join(dict.fromkeys(shown))

    @property
    def counts(self) -> str:
        """Counts of one iteration, compared by equality."""
        before, after = (_counts(row) for row in (self.before, self.after))
        return before if before == after else f"{before} -> {after}"


def _counts(row: Row) -> str:
    icr_writes, hypercalls, lost = (row.fact(name) for name in COUNTS)
    if icr_writes is None and hypercalls is None:
        return "unknown"
    named = ((icr_writes, "w"), (hypercalls, "h"), (lost, " lost"))
    return " ".join(f"{count:g}{unit}" for count, unit in named if count) or "0"


def judged(pairs: list[Pair], margin: float) -> list[Pair]:
    """The pairs of one comparison, with verdicts where the clock is noisy."""
    noisy = [pair for pair in pairs if pair.is_noisy]
    if not noisy:
        return pairs
    from pvbench.compare.statistics import Sample, verdicts

    samples = [
        Sample(
            before_s=pair.before.boots_s,
            after_s=pair.after.boots_s,
            paired=_shared_boots(pair.before, pair.after),
        )
        for pair in noisy
    ]
    found = iter(verdicts(samples, margin))
    return [attrs.evolve(p, judged=next(found)) if p.is_noisy else p for p in pairs]


def _shared_boots(one: Row, other: Row) -> bool:
    same = all(one.fact(fact) == other.fact(fact) for fact in schema.boot_facts())
    return same and one.file == other.file != "" and one.boots == other.boots != ()


def across_files(files: dict[str, list[Row]]) -> tuple[list[Pair], list[str]]:
    """
    Every row of the later files against the same row of the first.

    Returns:
        The pairs, and the names of rows that only one side has.

    Raises:
        UsageError: the files cannot be ranked.
    """
    _rankable([row for rows in files.values() for row in rows])
    (first, baseline), *others = files.items()
    pairs, alone = [], []
    before = {row.key(): row for row in baseline}
    for name, rows in others:
        after = {row.key(): row for row in rows}
        pairs += [
            Pair(baseline=first, side=name, before=before[k], after=row)
            for k, row in after.items()
            if k in before
        ]
        alone += [f"{row.name} ({name})" for k, row in after.items() if k not in before]
        alone += [f"{row.name} (baseline)" for k, row in before.items() if k not in after]
    return pairs, alone


def by_axis(rows: list[Row], axis: str, baseline: str | None) -> list[Pair]:
    """
    Every row against the one that differs from it in *axis* only.

    The side called *baseline* is the one to compare with; None is the first.

    Raises:
        UsageError: the rows cannot be ranked, or nothing is called *baseline*.
    """
    _rankable(rows, axis)
    free = schema.free(axis)
    side_of = [schema.side(axis, row.facts) for row in rows]
    sides = list(dict.fromkeys(side_of))
    if not sides:
        return []
    base = sides[0] if baseline is None else _meant(baseline, sides)
    if base not in sides:
        raise unknown("side", base, sides, f"Sides: {', '.join(sides)}.")
    sided = list(zip(rows, side_of, strict=True))
    before = {row.key(free): row for row, side in sided if side == base}
    return [
        Pair(baseline=base, side=side, before=before[row.key(free)], after=row)
        for row, side in sided
        if side != base and row.key(free) in before
    ]


def _meant(name: str, sides: list[str]) -> str:
    """The one side that *name* can mean: a cost profile without its hash, an overlay alone."""
    meant = [side for side in sides if name in (side, side.split(" ")[0], side.split("/")[0])]
    return meant[0] if len(meant) == 1 else name


def beside(reference: Iterable[Row], predicted: Iterable[Row]) -> list[Pair]:
    """
    A prediction beside what it predicts, matched by what was sent and by whom.

    Clocks may differ: this is a residual, never a ranking.
    """

    def key(row: Row) -> tuple[Any, ...]:
        return tuple(row.fact(fact) for fact in schema.predicted())

    known = {key(row): row for row in predicted}
    return [
        Pair(baseline=row.kind, side=known[key(row)].kind, before=row, after=known[key(row)])
        for row in reference
        if key(row) in known
    ]


def conditions_of(pairs: list[Pair]) -> list[str]:
    """The conditions, seldom more than one, that tell apart pairs which look alike."""
    conditions = schema.names(Role.CONDITION)
    looks = {(p.baseline, p.side, *p.before.key(conditions)) for p in pairs}
    if len(looks) == len(pairs):
        return []
    return [fact for fact in conditions if len({p.before.fact(fact) for p in pairs}) > 1]


def _rankable(rows: list[Row], axis: str = "") -> None:
    """Refuse what has no common measure."""
    _one(
        rows,
        lambda r: r.fact("clock"),
        "clocks",
        "times of different clocks differ in kind",
    )
    _one(
        rows,
        lambda r: f"{r.fact('suite')} version {r.fact('suite_version')}",
        "suites or versions of one",
        "they do not ask the same question",
    )
    if axis != "costs":
        why = "add --by costs to do so"
        _one(rows, lambda r: schema.side("costs", r.facts), "cost profiles", why)


def _one(rows: list[Row], of: Callable[[Row], Any], what: str, why: str) -> None:
    found = sorted({str(of(row)) for row in rows})
    if len(found) > 1:
        raise UsageError(
            f"results of different {what} are not ranked",
            why=", ".join(found),
            fix=f"{why[0].upper()}{why[1:]}.",
        )
