"""
The noise of a host: differences between equal sides, and the differences that boots detect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median, stdev
from typing import Any, Final

import attrs

from pvbench.compare.allowance import Allowance, allowance
from pvbench.compare.judging import log_ratios
from pvbench.compare.pairs import Pair
from pvbench.compare.power import smallest_difference
from pvbench.compare.statistics import ALPHA
from pvbench.results.noise import Line, conditions_of, key, matching
from pvbench.results.rows import Row

BOOTS: Final = 10  # for which the smallest difference is given
_FALSE: Final = ("faster", "slower")


@attrs.frozen(kw_only=True)
class SeriesNoise:
    """
    One series measured against itself.

    Args:
        verdict: of `pvbench ab` with equal sides.
        boots: pairs of boots.
        spread: the standard deviation of the log ratio of a pair; None with fewer than two.
        finds: the smallest difference that `BOOTS` boots find, a part of the time.
        allowance: how far whole runs differ, where that was measured.
    """

    name: str
    verdict: str
    boots: int
    spread: float | None
    finds: float | None
    allowance: Allowance | None = None

    @property
    def is_false(self) -> bool:
        """Whether the verdict finds a difference where there is none."""
        return self.verdict in _FALSE


def series_noise(pairs: Sequence[Pair]) -> list[SeriesNoise]:
    """The noise of each noisy pair of a comparison of equal sides."""
    noisy = [pair for pair in pairs if pair.is_noisy]
    return [_of_pair(pair, len(noisy)) for pair in noisy]


def _of_pair(pair: Pair, pairs: int) -> SeriesNoise:
    values = tuple(log_ratios(pair).values())
    spread = stdev(values) if len(values) > 1 else None
    finds = None
    if spread is not None:
        finds = smallest_difference(boots=BOOTS, pairs=pairs, spread=spread, alpha=ALPHA)
    return SeriesNoise(
        name=pair.before.name,
        verdict=pair.verdict,
        boots=len(values),
        spread=spread,
        finds=finds,
    )


def median_and_worst(values: Iterable[float | None]) -> tuple[float, float] | None:
    """The median and the largest of *values*; those that are None are left out."""
    present = [value for value in values if value is not None]
    return (median(present), max(present)) if present else None


@attrs.frozen(kw_only=True)
class Allowances:
    """
    The allowances of the series of some files.

    Args:
        lines: what `pvbench noise` has measured.
        plans: the plan of each file, by its name; {} if there is no journal.
    """

    lines: tuple[Line, ...] = ()
    plans: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)

    def of(self, before: Row, after: Row) -> Allowance | None:
        """How far whole runs like these two differ by chance; None if that is not known."""
        if before.file == after.file or before.name != after.name:
            return None
        boots = min(len(before.boots_s), len(after.boots_s))
        one, other = (
            conditions_of(row.facts, self.plans.get(row.file, {}), boots)
            for row in (before, after)
        )
        if one != other or not one.effort:
            return None
        return of_sessions(matching(self.lines, "runs", one), before)


@attrs.define(kw_only=True)
class AllowancesOfRuns:
    """
    The allowances of many runs, in which rows of few conditions follow each other.

    Args:
        allowances: what is looked up, once for each case, number of boots and conditions.
    """

    allowances: Allowances
    _conditions: dict[tuple[str, Any], tuple[Any, ...]] = attrs.field(factory=dict, init=False)
    _by_conditions: dict[tuple[Any, ...], Allowance | None] = attrs.field(
        factory=dict, init=False
    )

    def of(self, before: Row, after: Row) -> Allowance | None:
        """See `Allowances`."""
        boots = min(len(before.boots_s), len(after.boots_s))
        key = (
            *(before.name, before.statistic, boots, before.file == after.file, after.name),
            *(self._of_run(before), self._of_run(after)),
        )
        if key not in self._by_conditions:
            self._by_conditions[key] = self.allowances.of(before, after)
        return self._by_conditions[key]

    def _of_run(self, row: Row) -> tuple[Any, ...]:
        """The conditions of the rows of one host in a file, in a form that can be a key."""
        place = (row.file, row.fact("host"))
        if place not in self._conditions:
            plan = self.allowances.plans.get(row.file, {})
            conditions = conditions_of(row.facts, plan, 0)
            parts = (conditions.host, conditions.effort)
            self._conditions[place] = tuple(tuple(sorted(part.items())) for part in parts)
        return self._conditions[place]


def of_sessions(sessions: Iterable[Line], row: Row) -> Allowance | None:
    """The allowance of a series by the sessions that measured it; None without any."""
    name = key(row.name, row.statistic)
    ratios = [line.values[name] for line in sessions if name in line.values]
    return allowance(ratios) if ratios else None
