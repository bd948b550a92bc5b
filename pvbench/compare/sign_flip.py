"""
Intervals of mean log ratios that hold at once, from a studentised sign-flip test.

Two equal sides of a boot can be swapped, which turns the sign of the boot's log ratio.
Every vector of signs gives each pair a value of t that is as likely as the observed one;
all pairs share the signs, because they share the boots.  A mean is in the interval of its
pair unless the observed t of that pair exceeds the largest t of all pairs for almost all
vectors.  With one pair the test is exact.

Source: Romano and Wolf, "Exact and approximate stepdown methods for multiple hypothesis
testing", JASA 100 (2005); Hemerik and Goeman, "Exact testing with random permutations",
TEST 27 (2018), for the observed signs among random ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

VECTORS: Final = 4096  # all vectors of up to 13 boots, random ones of more
_ROUNDING: Final = 1e-12  # of a log ratio, and of a correlation
_NO_DIFFERENCE: Final = 1e-9  # a smaller log ratio is rounding

F64 = npt.NDArray[np.float64]


def vectors_of(boots: int) -> int:
    """How many vectors of signs *boots* have; a vector and its opposite are one."""
    return min(1 << (boots - 1), VECTORS)


def rejected(boots: int, alpha: float) -> int:
    """The number of vectors that a probability of *alpha* is."""
    return math.floor(alpha * vectors_of(boots))


def least_boots(alpha: float) -> int:
    """The smallest number of boots that permits a verdict."""
    return next(boots for boots in range(2, 64) if rejected(boots, alpha))


@attrs.frozen(kw_only=True, eq=False)
class LogRatios:
    """
    The log ratios of one pair.

    Args:
        present: 1 for each boot that the pair has, 0 for the others.
        values: of each boot, 0 where the pair has none.
    """

    present: F64
    values: F64

    @property
    def boots(self) -> float:
        """The number of boots that the pair has."""
        return float(self.present.sum())

    @property
    def mean(self) -> float:
        """The mean log ratio."""
        return float(self.values.sum() / self.boots)

    @property
    def deviations(self) -> F64:
        """The values without their mean."""
        deviations = self.values - self.mean * self.present
        deviations[np.abs(deviations) < _ROUNDING] = 0
        return deviations

    @property
    def spread(self) -> float:
        """The standard deviation."""
        deviations = self.deviations
        return math.sqrt(float(deviations @ deviations) / (self.boots - 1))

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        return self.spread / math.sqrt(self.boots)


def log_ratios(of_pairs: Sequence[dict[int, float]]) -> list[LogRatios]:
    """The log ratios of each pair, by the label of the boot, over the boots of all pairs."""
    labels = sorted(set().union(*of_pairs))
    return [
        LogRatios(
            present=np.array([float(label in pair) for label in labels]),
            values=np.array([pair.get(label, 0.0) for label in labels]),
        )
        for pair in of_pairs
    ]


def intervals(pairs: Sequence[LogRatios], alpha: float) -> list[tuple[float, float]]:
    """
    The interval of the mean of each pair.

    Args:
        pairs: all pairs of a comparison.
        alpha: the probability that at least one interval misses the true mean.
    """
    if not pairs:
        return []
    signs = _signs(len(pairs[0].values))
    count = rejected(len(pairs[0].values), alpha) + 1
    largest = _Largest.of(pairs, signs)
    return [
        _interval(pair, signs, largest.without(number), count)
        for number, pair in enumerate(pairs)
    ]


def _signs(boots: int) -> F64:
    """Vectors of signs, the observed one first."""
    count = vectors_of(boots)
    if count == 1 << (boots - 1):
        negative = np.arange(count)[:, None] >> np.arange(boots) & 1
    else:
        negative = np.random.default_rng(0).integers(0, 2, (count, boots))
        negative[0] = 0
    return np.where(negative, -1.0, 1.0)


@attrs.frozen(eq=False)
class _Largest:
    """For each vector the largest and the second largest t, and the pair of the largest."""

    first: F64
    second: F64
    pair: npt.NDArray[np.int64]

    @classmethod
    def of(cls, pairs: Sequence[LogRatios], signs: F64) -> _Largest:
        first, second = np.zeros((2, len(signs)))
        owner = np.full(len(signs), -1)
        for number, pair in enumerate(pairs):
            t = _t(pair, signs)
            second = np.maximum(second, np.minimum(first, t))
            owner[t > first] = number
            first = np.maximum(first, t)
        return cls(first, second, owner)

    def without(self, number: int) -> F64:
        """The largest t of the other pairs."""
        return np.where(self.pair == number, self.second, self.first)


def _t(pair: LogRatios, signs: F64) -> F64:
    """
    The size of t for each vector.

    A mean that exceeds the spread is no noise.  It is taken out, or the vectors would
    flip the difference itself, which is the same in all pairs that differ.
    """
    is_difference = abs(pair.mean) > pair.spread
    values = pair.deviations if is_difference else pair.values
    squares = pair.boots * float(values @ values)
    if not squares:
        return np.zeros(len(signs))
    part = (signs @ values) ** 2 / squares
    part[part > 1 - _ROUNDING] = 1
    with np.errstate(divide="ignore"):
        return np.sqrt((pair.boots - 1) * part / (1 - part))


def _interval(pair: LogRatios, signs: F64, others: F64, count: int) -> tuple[float, float]:
    """
    The means for which at least *count* vectors have a t as large as the observed one.

    Of a vector, t of the pair itself reaches as far as the mean of the boots of one sign,
    and t of the *others* as far as that many standard errors.
    """
    balance = signs @ pair.present
    sums = signs @ pair.deviations
    unflipped = np.abs(balance) == pair.boots
    endless = unflipped | np.isinf(others)
    reach = np.where(endless, np.inf, np.where(endless, 0, others) * pair.error)
    plus = sums / np.maximum(pair.boots + balance, 1)
    minus = -sums / np.maximum(pair.boots - balance, 1)
    up = _largest(np.maximum(np.maximum(plus, minus), reach), count)
    down = _largest(np.maximum(-np.minimum(plus, minus), reach), count)
    return _rounded(pair.mean - down), _rounded(pair.mean + up)


def _largest(values: F64, count: int) -> float:
    """The value that *count* values reach."""
    return float(np.partition(values, -count)[-count])


def _rounded(log_ratio: float) -> float:
    return 0.0 if abs(log_ratio) < _NO_DIFFERENCE else log_ratio
