"""What a simulation of benchmarks/verdicts.py counts, and the data it simulates for that."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import numpy as np

import simulated_boots as boots_of
from pvbench.compare.looks import alpha_of_look, looks
from pvbench.compare.statistics import ALPHA, NotInterleaved, Verdict, verdicts
from simulated_boots import SPREAD, Boots, Random, Shape

MARGIN = 0.02
DECIDED = ("faster", "slower")
Simulate = Callable[..., Boots]  # takes a random generator
Event = tuple[bool, bool | None]  # of pvbench, and of pyperf on the same numbers


@attrs.frozen
class _Values:
    """What pyperf's comparison reads of a benchmark."""

    values: list[float]

    def get_values(self) -> list[float]:
        return self.values


def significant(boots: Boots, pair: int) -> bool:
    """Whether `pyperf compare_to` calls a pair significant."""
    from pyperf._compare import is_significant_benchs

    sides = (_Values(side.tolist()) for side in boots.seconds()[pair])
    return bool(is_significant_benchs(*sides)[0])


def false_verdict(simulate: Simulate, random: Random) -> Event:
    """A pair of equal sides is faster or slower."""
    boots = simulate(random)
    judged = verdicts(boots.interleaved(margin=0))
    pyperf = any(significant(boots, pair) for pair in range(len(judged)))
    return any(verdict.kind in DECIDED for verdict in judged), pyperf


def detected(simulate: Simulate, random: Random) -> Event:
    """The first pair is faster."""
    boots = simulate(random)
    judged = verdicts(boots.interleaved(MARGIN))
    return judged[0].kind == "faster", significant(boots, 0)


def wrong_sign(simulate: Simulate, random: Random) -> Event:
    """A pair is slower though it is faster, or the other way round."""
    boots = simulate(random)
    judged = verdicts(boots.interleaved(MARGIN))
    wrong = [{1.0: "slower", -1.0: "faster"}.get(sign) for sign in np.sign(boots.differ)]
    return any(v.kind == kind for v, kind in zip(judged, wrong, strict=True)), None


def covered(simulate: Simulate, random: Random) -> Event:
    """All intervals contain the true ratio."""
    boots = simulate(random)
    return all(map(_contains, verdicts(boots.interleaved(MARGIN)), boots.differ)), None


def _contains(verdict: Verdict, differ: float) -> bool:
    low, high = (math.log(end or math.nan) for end in (verdict.low, verdict.high))
    return low - 1e-9 <= differ <= high + 1e-9


def equivalent(simulate: Simulate, random: Random) -> Event:
    """A pair whose true ratio is at the margin is equivalent."""
    judged = verdicts(simulate(random).interleaved(MARGIN))
    return any(verdict.kind == "equivalent" for verdict in judged), None


def false_between_runs(kind: str, shape: Shape, allowed: bool, random: Random) -> Event:
    """Equal runs, one after the other, differ."""
    runs = boots_of.run_pair(kind, random, shape)
    allowances = boots_of.allowances(kind, random, shape) if allowed else [None] * shape[1]
    samples: list[NotInterleaved] = runs.one_by_one([*allowances])
    judged = verdicts(samples)
    pyperf = any(significant(runs, pair) for pair in range(shape[1]))
    return any(verdict.kind in DECIDED for verdict in judged), pyperf


def false_when_settled(simulate: Simulate, max_boots: int, random: Random) -> Event:
    """A pair of equal sides is faster or slower at the look after which no boot follows."""
    boots, alpha = simulate(random), alpha_of_look(ALPHA, max_boots)
    kinds: list[str] = []
    for look in looks(max_boots):
        kinds = [judged.kind for judged in verdicts(boots.first(look).interleaved(0), alpha)]
        if "inconclusive" not in kinds:
            break
    return any(kind in DECIDED for kind in kinds), None


def enough_boots(shape: Shape, random: Random) -> Event:
    """The boots that an inconclusive pair asks for find a difference as large as it says."""
    spread = 2 * SPREAD  # or nearly all pairs of 20 boots are equivalent
    while True:
        (pilot, *_) = verdicts(scaled(spread, shape, random).interleaved(MARGIN))
        if pilot.boots_needed and pilot.finds:
            break
    planted = one_differs(math.log1p(pilot.finds), shape[1])
    again = scaled(spread, (pilot.boots_needed, shape[1]), random)
    judged = verdicts(again.differing(planted).interleaved(margin=0))
    return judged[0].kind == "faster", None


# data


def one_differs(differ: float, pairs: int) -> boots_of.F64:
    """The first pair is faster, the others are equal."""
    return np.array([differ] + [0.0] * (pairs - 1))


def planted(kind: str, differ: float, shape: Shape, random: Random) -> Boots:
    """One pair of a comparison differs."""
    return boots_of.pairs_of(kind, random, shape).differing(one_differs(differ, shape[1]))


def all_differ(kind: str, spread: float, shape: Shape, random: Random) -> Boots:
    """Each pair differs, by a log ratio of its own."""
    return boots_of.pairs_of(kind, random, shape).differing(random.normal(0, spread, shape[1]))


def at_margin(spread: float, shape: Shape, random: Random) -> Boots:
    """All pairs differ by the margin."""
    differ = np.full(shape[1], math.log1p(MARGIN) + 2e-9)
    return scaled(spread, shape, random).differing(differ)


def scaled(spread: float, shape: Shape, random: Random) -> Boots:
    """Equal sides whose log ratio has a standard deviation of *spread*."""
    boots = boots_of.pairs_of("normal", random, shape)
    return Boots(boots.before * spread / SPREAD, boots.after * spread / SPREAD, boots.differ)


def spread_planted(spread: float, differ: float, shape: Shape, random: Random) -> Boots:
    """One pair of a comparison differs, under more noise or less."""
    return scaled(spread, shape, random).differing(one_differs(differ, shape[1]))


def mixture(shape: Shape, random: Random) -> Boots:
    """15 % faster in 40 % of the boots, 1 % slower in the others: faster in the mean."""
    boots = boots_of.pairs_of("normal", random, shape)
    gain = np.where(random.random(shape) < 0.4, 0.15, -0.01)
    return Boots(boots.before, boots.after - gain, np.full(shape[1], 0.054))
