"""
A pair: one series of two sides, and its verdict.

Times of an exact clock are compared exactly, and counts by equality.  A noisy clock
needs several boots.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from typing import Final

import attrs

from pvbench.compare.allowance import Allowance
from pvbench.compare.interleaved import in_one_session
from pvbench.compare.margin import Margins
from pvbench.compare.statistics import (
    ALPHA,
    Interleaved,
    NotInterleaved,
    Sample,
    Verdict,
    verdicts,
)
from pvbench.results import schema
from pvbench.results.fact import FactRole
from pvbench.results.rows import Row

CHANGES: Final = ("faster", "slower")  # verdicts
COUNTS: Final = ("icr_writes", "hypercalls", "lost")


@attrs.frozen(kw_only=True)
class Pair:
    """
    One series of two sides; *before* is the row of the baseline.

    Args:
        baseline, side: the names of the two sides.
        judged: the verdict on a noisy clock, from `judged`.
    """

    baseline: str
    side: str
    before: Row
    after: Row
    judged: Verdict | None = None

    @property
    def speed_ratio(self) -> float:
        """The time before divided by the time after; on a noisy clock that of the verdict."""
        if self.judged and self.judged.ratio:
            return self.judged.ratio
        return self.before.value_s / self.after.value_s

    @property
    def time_reduction(self) -> float:
        """The part of the time that is saved; negative if the time increases."""
        return 1 - 1 / self.speed_ratio

    @property
    def is_noisy(self) -> bool:
        """Whether the clock of either side is noisy."""
        return not (self.before.is_exact and self.after.is_exact)

    @property
    def verdict(self) -> str:
        """``faster``, ``slower`` or ``equal``; on a noisy clock that of `judged`, if any."""
        if self.is_noisy:
            return self.judged.kind if self.judged else ""
        if self.before.boots_s[0] == self.after.boots_s[0]:
            return "equal"
        return "faster" if self.after.value_s < self.before.value_s else "slower"

    @property
    def is_changed(self) -> bool:
        """Whether a difference is sure: of the times, or of the counts."""
        return self.verdict in CHANGES or self.has_other_counts

    @property
    def has_other_counts(self) -> bool:
        """Whether the counts of its sides differ."""
        return _counts(self.before) != _counts(self.after)

    @property
    def order(self) -> tuple[bool, float]:
        """A key that sorts slower pairs first, and larger changes before smaller ones."""
        return self.verdict != "slower", -abs(math.log(self.speed_ratio))

    @property
    def slowdown(self) -> tuple[float, float] | None:
        """The interval of the time after divided by the time before; None without one."""
        if not self.is_noisy:
            times = self.after.value_s / self.before.value_s
            return times, times
        verdict = self.judged
        if not verdict or not verdict.low or not verdict.high or not verdict.is_decided_by_it:
            return None
        return 1 / verdict.high, 1 / verdict.low

    @property
    def is_single(self) -> bool:
        """Whether a side is a single published value, about whose noise nothing is known."""
        return any(r.kind == "published" and len(r.boots_s) == 1 for r in self.rows)

    @property
    def rows(self) -> tuple[Row, Row]:
        """Both sides."""
        return self.before, self.after

    @property
    def assumed(self) -> str:
        """The parts of both times that depend on assumed costs; empty if they are measured."""
        parts = [row.fact("assumed") for row in (self.before, self.after)]
        if parts == [None, None]:
            return ""
        texts = ["unknown" if part is None else f"{part:.0%}" for part in parts]
        return " -> ".join(dict.fromkeys(texts))

    @property
    def counts(self) -> str:
        """The counts of one iteration; both sides if they differ."""
        before, after = (_counts(row) for row in (self.before, self.after))
        return before if before == after else f"{before} -> {after}"


def _counts(row: Row) -> str:
    icr_writes, hypercalls, lost = (row.fact(name) for name in COUNTS)
    if icr_writes is None and hypercalls is None:
        return "unknown"
    counts = ((icr_writes, "w"), (hypercalls, "h"), (lost, " lost"))
    return " ".join(f"{count:g}{unit}" for count, unit in counts if count) or "0"


AllowanceOf = Callable[[Row, Row], Allowance | None]


def judged(
    pairs: Sequence[Pair],
    margins: Margins,
    allowance_of: AllowanceOf,
    alpha: float = ALPHA,
) -> tuple[Pair, ...]:
    """
    The pairs of one comparison, with verdicts where the clock is noisy.

    A single published value gets no verdict.

    Args:
        pairs: all pairs.
        margins: speed ratios this close to 1 are equivalent.
        allowance_of: how far whole runs like these two differ by chance.
        alpha: the probability that a comparison of equal sides has a false verdict.
    """
    is_judged = [pair.is_noisy and not pair.is_single for pair in pairs]
    samples = [
        _sample(pair, margins.of(pair.after.case), allowance_of)
        for pair, noisy in zip(pairs, is_judged, strict=True)
        if noisy
    ]
    in_order = iter(verdicts(samples, alpha) if samples else ())
    return tuple(
        attrs.evolve(pair, judged=next(in_order)) if noisy else pair
        for pair, noisy in zip(pairs, is_judged, strict=True)
    )


def log_ratios(pair: Pair) -> dict[int, float]:
    """The log of the speed ratio of each boot; {} if the sides were not interleaved."""
    interleaved = _interleaved(pair, 0)
    return interleaved.log_ratios if interleaved else {}


def _sample(pair: Pair, margin: float, allowance_of: AllowanceOf) -> Sample:
    one, other = pair.before, pair.after
    return _interleaved(pair, margin) or NotInterleaved(
        before_s=one.boots_s,
        after_s=other.boots_s,
        margin=margin,
        allowance=allowance_of(one, other),
    )


def _interleaved(pair: Pair, margin: float) -> Interleaved | None:
    """The boots of both sides by their numbers, if the sides were interleaved."""
    one, other = pair.before, pair.after
    numbers = _shared_boots(one, other) or _ab_boots(one, other)
    if not numbers and not in_one_session([one], [other]):
        return None
    return Interleaved(
        before_s=_of_boots(one, numbers), after_s=_of_boots(other, numbers), margin=margin
    )


def _shared_boots(one: Row, other: Row) -> set[int]:
    """The numbers of the boots in which both sides were measured."""
    same = all(one.fact(fact) == other.fact(fact) for fact in schema.boot_facts())
    numbered = all(len(row.boots) == len(row.boots_s) for row in (one, other))
    in_one_file = one.file == other.file != ""
    return {*one.boots} & {*other.boots} if same and in_one_file and numbered else set()


def _ab_boots(one: Row, other: Row) -> set[int]:
    """The numbers of the boots that `pvbench ab` measured in adjacent pairs."""
    pairs = set[tuple[int, str]]() if one.file == other.file else one.pairs & other.pairs
    return {number for number, _ in pairs}


def _of_boots(row: Row, numbers: Container[int]) -> dict[int, float]:
    boots = zip(row.boots, row.boots_s, strict=True)
    return {number: time_s for number, time_s in boots if number in numbers}


def conditions_of(pairs: Sequence[Pair]) -> list[str]:
    """The conditions that are needed to tell the pairs apart, seldom more than one."""
    conditions = schema.names(FactRole.CONDITION)
    looks = {(p.baseline, p.side, *p.before.key(conditions)) for p in pairs}
    if len(looks) == len(pairs):
        return []
    return [fact for fact in conditions if len({p.before.fact(fact) for p in pairs}) > 1]
