"""
The runs at which a case stepped: where its time or its counts are no longer those before.

The runs between two steps are a level.  Each run is compared with the level before it, by
the rule of its clock: exactly, or by path lengths.  On a noisy clock a run and the next one
together are compared with the mean of the level, by the allowance that `pvbench noise`
measured for whole runs of the host; each of both must differ on its own too, so that a
single run that differs is no step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Final

import attrs

from pvbench.compare import path_length
from pvbench.compare.allowance import Allowance
from pvbench.compare.judging import AllowanceOf
from pvbench.compare.pairs import CHANGES, COUNTS
from pvbench.compare.statistics import of_whole_runs
from pvbench.results.rows import Row

OTHER_COUNTS: Final = "other counts"
_ALONE: Final = "alone"  # a run that differs, and the next one does not


@attrs.frozen(kw_only=True)
class Step:
    """
    A step of a case.

    Args:
        before: the last run of the level before it.
        after: the first run of the new level.
        verdict: ``faster``, ``slower``, ``shorter``, ``longer`` or OTHER_COUNTS.
        ratio: the time after divided by that of the level before.
        is_confirmed: whether no chance can have made it, or the next run differs too; false
            for the last run on a noisy clock.
    """

    before: Row
    after: Row
    verdict: str
    ratio: float
    is_confirmed: bool = True


@attrs.frozen(kw_only=True)
class Track:
    """
    The runs of one case in their order, and its steps.

    Args:
        is_judged: whether a step of the time would be noticed in each of its runs.
    """

    rows: tuple[Row, ...]
    steps: tuple[Step, ...] = ()
    is_judged: bool = True


def track(rows: Sequence[Row], allowance_of: AllowanceOf) -> Track:
    """
    Find the steps of one case.

    Args:
        rows: its rows of all runs, oldest first.
        allowance_of: how far whole runs like these two differ by chance.
    """
    search = _Search(rows=tuple(rows), allowance_of=allowance_of)
    steps = search.steps()
    return Track(rows=search.rows, steps=tuple(steps), is_judged=not search.unjudged)


@attrs.define(kw_only=True)
class _Search:
    """
    The search for the steps of one case.

    Args:
        last: the last run of the level.
        total_log, members: the sum of the logs of the times of its runs, and their number.
        unjudged: the number of runs on a noisy clock that no allowance is for.
    """

    rows: tuple[Row, ...]
    allowance_of: AllowanceOf
    last: Row = attrs.field(init=False)
    total_log: float = 0.0
    members: int = 0
    unjudged: int = 0

    def steps(self) -> list[Step]:
        self._add(self.rows[0])
        steps: list[Step] = []
        for place, row in enumerate(self.rows[1:], 1):
            verdict = self._verdict(row, self.rows[place + 1 : place + 2])
            if verdict == _ALONE:
                continue  # it belongs to no level
            if step := self._step(row, verdict, is_last=place == len(self.rows) - 1):
                steps.append(step)
                self.total_log, self.members = 0.0, 0
            self._add(row)
        return steps

    def _add(self, row: Row) -> None:
        """Make *row* the last run of the level."""
        self.last = row
        self.total_log += _log(row)
        self.members += 1

    def _step(self, row: Row, verdict: str, *, is_last: bool) -> Step | None:
        is_of_time = verdict in CHANGES
        if not is_of_time and _counts(self.last) == _counts(row):
            return None
        return Step(
            before=self.last,
            after=row,
            verdict=verdict if is_of_time else OTHER_COUNTS,
            ratio=math.exp(-self._log_ratio([row])),
            is_confirmed=not (is_of_time and is_last and row.is_noisy),
        )

    def _verdict(self, row: Row, following: Sequence[Row]) -> str:
        """How the time of *row* differs from the level; empty if that cannot be judged."""
        if not row.has_times:
            return ""
        if row.is_exact:
            change = (row.value_s > self.last.value_s) - (row.value_s < self.last.value_s)
            return ("equal", "slower", "faster")[change]
        if row.is_near_exact:
            return path_length.verdict(path_length.ratios(self.last, row))
        allowance = self.allowance_of(self.last, row)
        if allowance is None or not allowance.rms_log_ratio:
            self.unjudged += 1
            return ""
        return self._noisy_verdict(allowance, row, following)

    def _noisy_verdict(self, allowance: Allowance, row: Row, following: Sequence[Row]) -> str:
        """The verdict on *row* with the next run; on the last run alone."""
        if self._kind(allowance, [row], 1) not in CHANGES:  # most runs
            return ""
        pairs = len(self.rows) - 1
        alone = self._kind(allowance, [row], pairs)
        if not following:
            return alone
        together = self._kind(allowance, [row, *following], pairs)
        if all(self._kind(allowance, [one], 1) == together for one in (row, *following)):
            return together
        return _ALONE if alone in CHANGES else ""

    def _kind(self, allowance: Allowance, rows: Sequence[Row], pairs: int) -> str:
        """The verdict on the mean of *rows*, one of so many *pairs*."""
        # The allowance is for two single runs; means of several differ less.
        factor = math.sqrt((1 / len(rows) + 1 / self.members) / 2)
        ratio = self._log_ratio(rows)
        return of_whole_runs(ratio, allowance, pairs=pairs, margin=0, factor=factor).kind

    def _log_ratio(self, rows: Sequence[Row]) -> float:
        """The log of the speed ratio of *rows* to the level."""
        return self.total_log / self.members - fmean(map(_log, rows))


def _log(row: Row) -> float:
    """The log of the geometric mean of the boots."""
    return fmean(map(math.log, row.boots_s))


def _counts(row: Row) -> tuple[object, ...]:
    return tuple(row.fact(name) for name in COUNTS)
