"""
A pair: one series of two sides, and its verdict.

Exact clocks are compared exactly and counts by equality; a noisy clock needs several boots.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from pvbench.compare.statistics import Verdict
from pvbench.results import schema
from pvbench.results.fact import FactRole
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
        return not (self.before.is_exact and self.after.is_exact)

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
    in_order = iter(verdicts(samples, margin))
    return [attrs.evolve(p, judged=next(in_order)) if p.is_noisy else p for p in pairs]


def _shared_boots(one: Row, other: Row) -> bool:
    same = all(one.fact(fact) == other.fact(fact) for fact in schema.boot_facts())
    return same and one.file == other.file != "" and one.boots == other.boots != ()


def conditions_of(pairs: Sequence[Pair]) -> list[str]:
    """The conditions, seldom more than one, that tell apart pairs which look alike."""
    conditions = schema.names(FactRole.CONDITION)
    looks = {(p.baseline, p.side, *p.before.key(conditions)) for p in pairs}
    if len(looks) == len(pairs):
        return []
    return [fact for fact in conditions if len({p.before.fact(fact) for p in pairs}) > 1]
