"""
The runs at which a case stepped: where its time or its counts are no longer those before.

The runs between two steps are a level.  Each run is compared with the level before it, by
the rule of its clock: exactly, by path lengths, or on a noisy clock by the allowance that
`pvbench noise` measured for whole runs of the host.  On a noisy clock a step counts as
confirmed if the next run differs from the level in the same direction.
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


@attrs.frozen(kw_only=True)
class Step:
    """
    A step of a case.

    Args:
        before: the last run of the level before it.
        after: the first run of the new level.
        verdict: ``faster``, ``slower``, ``shorter``, ``longer`` or OTHER_COUNTS.
        ratio: the time after divided by that of the level before.
        is_confirmed: whether no chance can have made it, or the next run differs too.
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
            step = self._step(row)
            following = self.rows[place + 1 : place + 2]
            if step and _needs_confirmation(step):
                if following and self._verdict(following[0]) != step.verdict:
                    continue  # a single run that differs belongs to no level
                step = attrs.evolve(step, is_confirmed=bool(following))
            if step:
                steps.append(step)
                self.total_log, self.members = 0.0, 0
            self._add(row)
        return steps

    def _add(self, row: Row) -> None:
        """Make *row* the last run of the level."""
        self.last = row
        self.total_log += _log(row)
        self.members += 1

    def _step(self, row: Row) -> Step | None:
        before, verdict = self.last, self._verdict(row)
        if verdict not in CHANGES:
            if _counts(before) == _counts(row):
                return None
            verdict = OTHER_COUNTS
        ratio = math.exp(_log(row) - self._log_of_level())
        return Step(before=before, after=row, verdict=verdict, ratio=ratio)

    def _verdict(self, row: Row) -> str:
        """How the time of *row* differs from the level; empty if nobody can say."""
        if not row.has_times:
            return ""
        if row.is_exact:
            change = (row.value_s > self.last.value_s) - (row.value_s < self.last.value_s)
            return ("equal", "slower", "faster")[change]
        if row.is_near_exact:
            return path_length.verdict(path_length.ratios(self.last, row))
        return self._by_allowance(row)

    def _by_allowance(self, row: Row) -> str:
        allowance: Allowance | None = self.allowance_of(self.last, row)
        if allowance is None or not allowance.rms_log_ratio:
            self.unjudged += 1
            return ""
        mean = self._log_of_level() - _log(row)
        return of_whole_runs(mean, allowance, len(self.rows) - 1, margin=0).kind

    def _log_of_level(self) -> float:
        return self.total_log / self.members


def _needs_confirmation(step: Step) -> bool:
    return step.after.is_noisy and step.verdict != OTHER_COUNTS


def _log(row: Row) -> float:
    """The log of the geometric mean of the boots."""
    return fmean(map(math.log, row.boots_s))


def _counts(row: Row) -> tuple[object, ...]:
    return tuple(row.fact(name) for name in COUNTS)
