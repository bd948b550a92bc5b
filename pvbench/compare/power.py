"""
How many boots find a difference.

The largest t of pairs that do not depend on each other has a critical value that Sidak's
formula gives; the power is that of a noncentral t.  benchmarks/verdicts.py shows by
simulation where the numbers are right.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import lru_cache
from typing import Final

from pvbench.compare.sign_flip import least_boots, rejected, vectors_of

POWER: Final = 0.9
MOST_BOOTS: Final = 1000
LEAST_TO_PLAN: Final = 10  # with fewer, simulation shows a power of 74 % instead of 90 %


def power(*, boots: int, pairs: int, effect: float, alpha: float) -> float:
    """
    The probability of a verdict on one pair that differs.

    Args:
        boots: of each side.
        pairs: of the comparison.
        effect: the log ratio, in standard deviations of the log ratio of a boot.
        alpha: the probability of a false verdict.
    """
    from scipy.special import nctdtr

    critical = _critical_t(boots, pairs, alpha)
    if math.isinf(effect):
        return float(math.isfinite(critical))
    return 1.0 - float(nctdtr(boots - 1, effect * math.sqrt(boots), critical))


def boots_needed(*, pairs: int, difference: float, spread: float, alpha: float) -> int | None:
    """
    How many boots give a verdict on a difference in nine of ten comparisons.

    Args:
        pairs: of the comparison.
        difference: of the times of one pair; 0.05 is 5 %.
        spread: the standard deviation of the log ratio of a boot.
        alpha: the probability of a false verdict.

    Returns:
        None above `MOST_BOOTS`.
    """
    effect = math.log1p(difference) / spread if spread else math.inf

    def suffice(boots: int) -> bool:
        return smallest_effect(boots, pairs, alpha) <= effect

    if not suffice(MOST_BOOTS):
        return None
    return bisect_left(range(MOST_BOOTS), True, lo=least_boots(alpha), key=suffice)


def spread_of_few(spread: float, boots: int) -> float | None:
    """
    The spread of boots to plan with: that of a few *boots* may be small by chance.

    The true spread exceeds it in three of ten comparisons.

    Returns:
        None for fewer boots than `LEAST_TO_PLAN`, from which no spread follows.
    """
    from scipy.special import chdtri

    if boots < LEAST_TO_PLAN:
        return None
    return spread * math.sqrt((boots - 1) / float(chdtri(boots - 1, 0.7)))


def smallest_difference(*, boots: int, pairs: int, spread: float, alpha: float) -> float | None:
    """
    The difference on which *boots* give a verdict in nine of ten comparisons.

    Returns:
        A part of the time; None if so few boots permit no verdict.
    """
    effect = smallest_effect(boots, pairs, alpha)
    return math.expm1(effect * spread) if math.isfinite(effect) else None


@lru_cache(maxsize=4096)
def smallest_effect(boots: int, pairs: int, alpha: float) -> float:
    """The same as a log ratio in standard deviations; infinite if no verdict is possible."""
    from scipy.special import nctdtrinc

    if boots < least_boots(alpha):
        return math.inf
    critical = _critical_t(boots, pairs, alpha)
    return float(nctdtrinc(boots - 1, 1 - POWER, critical)) / math.sqrt(boots)


def _critical_t(boots: int, pairs: int, alpha: float) -> float:
    """The t that a pair must exceed; infinite if no verdict is possible."""
    from scipy.special import stdtrit

    if boots < least_boots(alpha):
        return math.inf
    level = rejected(boots, alpha) / vectors_of(boots)
    of_one = -math.expm1(math.log1p(-level) / pairs)
    return float(stdtrit(boots - 1, 1 - of_one / 2))
