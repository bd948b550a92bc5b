"""
A pair: one series of two sides, and its verdict.

Times of an exact clock are compared exactly, and counts by equality.  A noisy clock
needs several boots.  Those of a near-exact clock are path lengths, which are compared
between sites and runs, never between senders.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import attrs

from pvbench.compare import path_length
from pvbench.compare.interleaved import in_one_session
from pvbench.compare.statistics import Verdict
from pvbench.results import counts, schema
from pvbench.results.fact import FactRole
from pvbench.results.reach import NOT_REACHED
from pvbench.results.rows import Row

_WORSE: Final = ("slower", path_length.LONGER)
CHANGES: Final = ("faster", path_length.SHORTER, *_WORSE)  # verdicts
NOT_EXERCISED: Final = "not exercised"  # none of the code in which the sides differ ran
COUNTS: Final = ("icr_writes", "hypercalls", "lost")


@attrs.frozen(kw_only=True)
class Pair:
    """
    One series of two sides; *before* is the row of the baseline.

    Args:
        baseline, side: the names of the two sides.
        judged: the verdict on a noisy clock, from `judging.judged`.
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
        return any(row.is_noisy for row in self.rows) and self.has_times

    @property
    def has_times(self) -> bool:
        """Whether the times of both sides say anything."""
        return all(row.has_times for row in self.rows)

    @property
    def is_near_exact(self) -> bool:
        """Whether its times are path lengths."""
        return not self.is_noisy and any(row.is_near_exact for row in self.rows)

    @property
    def is_ranked(self) -> bool:
        """Whether its times are compared; path lengths are if only the sites differ."""
        if not self.has_times:
            return False
        return not self.is_near_exact or self.before.key(("site",)) == self.after.key(("site",))

    @property
    def length_ratios(self) -> tuple[float, ...]:
        """The path length after divided by that before, of each pair of boots."""
        return path_length.ratios(self.before, self.after)

    @property
    def verdict(self) -> str:
        """
        ``faster``, ``slower`` or ``equal``; on a noisy clock that of `judged`, if any.

        On a near-exact clock it is that of `path_length`; empty if times are not ranked.
        Sides without a difference are ``not exercised`` if no code that differs ran.
        """
        verdict = self._verdict_by_times
        is_unexercised = self._reach_fact("reach") == NOT_REACHED
        return verdict if not is_unexercised or self._is_difference(verdict) else NOT_EXERCISED

    def _is_difference(self, verdict: str) -> bool:
        return verdict in CHANGES or self.has_other_counts

    @property
    def reach_note(self) -> str:
        """A sentence: whether code in which the sides differ ran; '' if it was not traced."""
        return str(self._reach_fact("reach_note") or "")

    def _reach_fact(self, name: str) -> Any:
        """A fact that one side of a session stores about both."""
        value = self.after.fact(name) or self.before.fact(name)
        return value if value and in_one_session([self.before], [self.after]) else None

    @property
    def _verdict_by_times(self) -> str:
        if self.is_noisy:
            return self.judged.kind if self.judged else ""
        if not self.is_ranked:
            return ""
        if self.is_near_exact:
            return path_length.verdict(self.length_ratios)
        if self.before.boots_s[0] == self.after.boots_s[0]:
            return "equal"
        return "faster" if self.after.value_s < self.before.value_s else "slower"

    @property
    def is_changed(self) -> bool:
        """Whether a difference is sure: of the times, or of the counts."""
        return self._is_difference(self.verdict)

    @property
    def has_other_counts(self) -> bool:
        """Whether the counts of its sides differ."""
        if self.is_count:
            return self.before.count != self.after.count
        return _counts(self.before) != _counts(self.after)

    @property
    def is_count(self) -> bool:
        """Whether its rows are counts, and not times."""
        return self.after.fact("series") in counts.SERIES

    @property
    def loses_more(self) -> bool:
        """Whether it compares lost IPIs, and the side loses more of them."""
        is_loss = self.after.fact("series") == counts.LOST
        return is_loss and (self.after.count or 0) > (self.before.count or 0)

    @property
    def order(self) -> tuple[bool, float]:
        """A key that sorts slower pairs first, and larger changes before smaller ones."""
        change = abs(math.log(self.speed_ratio)) if self.is_ranked else 0.0
        return self.verdict not in _WORSE, -change

    @property
    def slowdown(self) -> tuple[float, float] | None:
        """The interval of the time after divided by the time before; None without one."""
        if not self.is_ranked:
            return None
        if self.is_near_exact:
            return path_length.slowdown(self.length_ratios)
        if not self.is_noisy:
            times = self.after.value_s / self.before.value_s
            return times, times
        verdict = self.judged
        if not verdict or not verdict.low or not verdict.high or not verdict.is_decided_by_it:
            return None
        return 1 / verdict.high, 1 / verdict.low

    @property
    def is_single(self) -> bool:
        """Whether a side is a single value of somebody else, whose noise is unknown."""
        return any(row.is_single_value for row in self.rows)

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


def conditions_of(pairs: Sequence[Pair]) -> list[str]:
    """The conditions that are needed to tell the pairs apart, seldom more than one."""
    conditions = schema.names(FactRole.CONDITION)
    looks = {(p.baseline, p.side, *p.before.key(conditions)) for p in pairs}
    if len(looks) == len(pairs):
        return []
    return [fact for fact in conditions if len({p.before.fact(fact) for p in pairs}) > 1]
