"""
Simultaneous intervals of mean log ratios, from a studentised sign-flip test.

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
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

VECTORS: Final = 4096  # all vectors of up to 13 boots, random ones of more
_AT_ONCE: Final = 1 << 15  # values of an array
_ROUNDING: Final = 1e-12  # of a log ratio, and of a correlation
_NO_DIFFERENCE: Final = 1e-9  # a smaller log ratio is rounding
_TINY: Final = 1e-300  # a standard error that is 0 but for this; an endless t stays endless

F64 = npt.NDArray[np.float64]


def vectors_of(boots: int) -> int:
    """How many vectors of signs *boots* have; a vector and its opposite are one."""
    return min(1 << (boots - 1), VECTORS)


def rejected(boots: int, alpha: float) -> int:
    """The number of vectors that corresponds to a probability of *alpha*."""
    return math.floor(alpha * vectors_of(boots))


@lru_cache
def least_boots(alpha: float) -> int:
    """The smallest number of boots that permits a verdict."""
    return next(boots for boots in range(2, 64) if rejected(boots, alpha))


@attrs.frozen(kw_only=True, eq=False)
class LogRatios:
    """
    The log ratios of some pairs: a row for each pair, a column for each boot of any pair.

    Args:
        present: 1 for each boot that the pair has, 0 for the others.
        values: of each boot, 0 where the pair has none.
    """

    present: F64
    values: F64

    @classmethod
    def of(cls, pairs: Sequence[Mapping[int, float]]) -> LogRatios:
        """From the log ratios of each pair by the label of the boot."""
        labels = sorted(set[int]().union(*pairs))
        return cls(
            present=np.array([[float(label in pair) for label in labels] for pair in pairs]),
            values=np.array([[pair.get(label, 0.0) for label in labels] for pair in pairs]),
        )

    @property
    def boots(self) -> F64:
        """The number of boots that each pair has."""
        return np.asarray(np.sum(self.present, axis=1))

    @property
    def mean(self) -> F64:
        """The mean log ratio of each pair."""
        return np.asarray(np.sum(self.values, axis=1) / self.boots)

    @property
    def deviations(self) -> F64:
        """The values without the mean of their pair."""
        deviations = self.values - self.mean[:, None] * self.present
        deviations[np.abs(deviations) < _ROUNDING] = 0
        return deviations

    @property
    def spread(self) -> F64:
        """The standard deviation of each pair."""
        return np.asarray(np.sqrt(np.sum(self.deviations**2, axis=1) / (self.boots - 1)))

    def rows(self, first: int, after: int) -> LogRatios:
        """Some of the pairs."""
        return LogRatios(present=self.present[first:after], values=self.values[first:after])


def intervals(pairs: LogRatios, alpha: float) -> list[tuple[float, float]]:
    """
    The interval of the mean of each pair.

    Args:
        pairs: all pairs of a comparison.
        alpha: the probability that at least one interval misses the true mean.
    """
    number, boots = pairs.values.shape
    signs = _signs(boots)
    step = max(1, _AT_ONCE // len(signs))
    parts = {first: pairs.rows(first, first + step) for first in range(0, number, step)}
    largest = _Largest.of_none(len(signs))
    for first, part in parts.items():
        largest = largest.with_pairs(_t(part, signs), first)
    count = rejected(boots, alpha) + 1
    return [
        interval
        for first, part in parts.items()
        for interval in _intervals(part, signs, largest.without(first, len(part.values)), count)
    ]


@lru_cache(maxsize=1)
def _signs(boots: int) -> F64:
    """Vectors of signs, the observed one first; read only, as it is kept."""
    count = vectors_of(boots)
    if count == 1 << (boots - 1):
        negative = np.arange(count)[:, None] >> np.arange(boots) & 1
    else:
        negative = np.random.default_rng(0).integers(0, 2, (count, boots))
        negative[0] = 0
    signs = np.where(negative, -1.0, 1.0)
    signs.flags.writeable = False
    return signs


@attrs.frozen(eq=False)
class _Largest:
    """For each vector the largest and the second largest t, and the pair of the largest."""

    largest: F64
    second: F64
    pair: npt.NDArray[np.int64]

    @classmethod
    def of_none(cls, vectors: int) -> _Largest:
        return cls(np.zeros(vectors), np.zeros(vectors), np.full(vectors, -1))

    def with_pairs(self, t: F64, first: int) -> _Largest:
        """Include some more pairs, the first of which is number *first*."""
        pair = t.argmax(axis=0)
        vectors = np.arange(len(pair))
        largest = t[pair, vectors]
        t[pair, vectors] = 0
        second = np.maximum(self.second, t.max(axis=0))
        return _Largest(
            np.maximum(self.largest, largest),
            np.maximum(second, np.minimum(self.largest, largest)),
            np.where(largest > self.largest, first + pair, self.pair),
        )

    def without(self, first: int, pairs: int) -> F64:
        """For each of some pairs the largest t of all others."""
        numbers = first + np.arange(pairs)[:, None]
        return np.where(self.pair == numbers, self.second, self.largest)


def _t(pairs: LogRatios, signs: F64) -> F64:
    """
    The size of t of each pair for each vector.

    A mean that exceeds the spread is not noise.  It is subtracted: otherwise the vectors
    would flip the difference itself, which is the same in all pairs that differ.
    """
    is_difference = np.abs(pairs.mean) > pairs.spread
    values = np.where(is_difference[:, None], pairs.deviations, pairs.values)
    squares = pairs.boots * np.sum(values**2, axis=1)
    part = (values @ signs.T) ** 2 / np.where(squares, squares, 1)[:, None]
    part[part > 1 - _ROUNDING] = 1
    with np.errstate(divide="ignore"):
        return np.sqrt((pairs.boots - 1)[:, None] * part / (1 - part))


def _intervals(
    pairs: LogRatios, signs: F64, others: F64, count: int
) -> list[tuple[float, float]]:
    """
    The means for which at least *count* vectors have a t as large as the observed one.

    Of a vector, t of the pair itself reaches as far as the mean of the boots of one sign,
    and t of the *others* as far as that many standard errors.
    """
    mean, error = pairs.mean, pairs.spread / np.sqrt(pairs.boots)
    boots, balance = _balance(pairs.present, signs)
    sums = pairs.deviations @ signs.T
    reach = others * np.maximum(error, _TINY)[:, None]
    reach += np.where(np.abs(balance) == boots, np.inf, 0)
    plus = sums / np.maximum(boots + balance, 1)
    minus = -sums / np.maximum(boots - balance, 1)
    up = mean + _largest(np.maximum(np.maximum(plus, minus), reach), count)
    down = mean - _largest(np.maximum(-np.minimum(plus, minus), reach), count)
    return list(zip(_rounded(down), _rounded(up), strict=True))


def _balance(present: F64, signs: F64) -> tuple[F64, F64]:
    """The number of boots, and the sum of their signs; one row if all pairs have the same."""
    rows = present[:1] if (present == present[0]).all() else present
    return rows.sum(axis=1, keepdims=True), rows @ signs.T


def _largest(values: F64, count: int) -> F64:
    """For each pair the largest value that *count* of its values reach."""
    return np.partition(values, -count, axis=1)[:, -count]


def _rounded(log_ratios: F64) -> list[float]:
    return list(map(float, np.where(np.abs(log_ratios) < _NO_DIFFERENCE, 0, log_ratios)))
