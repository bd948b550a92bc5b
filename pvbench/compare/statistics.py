"""
Verdicts on noisy clocks; the median of each boot is one observation.

Sides that shared their boots are compared boot by boot, with a sign-flip test of the
log ratios; other sides are compared with a permutation test of the medians.  Both tests
are exact for few boots.  Holm's correction covers all pairs of one comparison.
"""

from __future__ import annotations

import math
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

ALPHA: Final = 0.05
LEAST_BOOTS: Final = 6  # a sign-flip test of fewer boots cannot reach ALPHA
_RESAMPLES: Final = 10_000

F64 = npt.NDArray[np.float64]


@attrs.frozen(kw_only=True)
class Sample:
    """The medians of the boots of two sides, seconds; *paired* if boots were shared."""

    before_s: tuple[float, ...]
    after_s: tuple[float, ...]
    paired: bool


@attrs.frozen(kw_only=True)
class Verdict:
    """
    The verdict on a sample.

    Args:
        kind: ``faster``, ``slower``, ``equivalent`` or ``inconclusive``.
        low, high: the 95 % interval of the speed ratio; None with too few boots.
        boots_needed: about how many boots a verdict would need, if inconclusive.
    """

    kind: str
    low: float | None = None
    high: float | None = None
    boots_needed: int | None = None


@attrs.frozen
class _Ratio:
    """The logarithm of the speed ratio: estimate, interval and p-value of a ratio of 1."""

    estimate: float
    low: float
    high: float
    p: float
    boots: int


def verdicts(samples: list[Sample], margin: float) -> list[Verdict]:
    """
    A verdict for each sample; all of them belong to one comparison.

    Args:
        samples: one for each pair.
        margin: speed ratios this close to 1 are equivalent; 0.02 is 2 %.
    """
    ratios = [_ratio(sample) for sample in samples]
    corrected = iter(_holm([ratio.p for ratio in ratios if ratio]))
    return [
        _verdict(ratio, next(corrected), margin)
        if ratio
        else Verdict(kind="inconclusive", boots_needed=LEAST_BOOTS)
        for ratio in ratios
    ]


def _verdict(ratio: _Ratio, p: float, margin: float) -> Verdict:
    low, high = math.exp(ratio.low), math.exp(ratio.high)
    if 1 - margin <= low and high <= 1 + margin:
        return Verdict(kind="equivalent", low=low, high=high)
    if p < ALPHA:
        kind = "faster" if ratio.estimate > 0 else "slower"
        return Verdict(kind=kind, low=low, high=high)
    half_width = (ratio.high - ratio.low) / 2
    distance = max(abs(ratio.estimate), math.log1p(margin))
    needed = max(ratio.boots + 1, math.ceil(ratio.boots * (half_width / distance) ** 2))
    return Verdict(kind="inconclusive", low=low, high=high, boots_needed=needed)


def _ratio(sample: Sample) -> _Ratio | None:
    """The ratio of the two sides; None with too few boots for any verdict."""
    boots = min(len(sample.before_s), len(sample.after_s))
    if boots < LEAST_BOOTS:
        return None
    before, after = np.log(sample.before_s), np.log(sample.after_s)
    if sample.paired:
        return _tested((before - after,), _mean, _median, "samples", boots)
    return _tested((before, after), _between, _between, "independent", boots)


def _tested(
    data: tuple[F64, ...], tested: Any, estimated: Any, permuted: str, boots: int
) -> _Ratio:
    from scipy.stats import bootstrap, permutation_test

    test = permutation_test(
        data, tested, permutation_type=permuted, n_resamples=_RESAMPLES, rng=0
    )
    interval = bootstrap(
        data, estimated, method="percentile", n_resamples=_RESAMPLES, rng=0
    ).confidence_interval
    return _Ratio(
        estimate=float(estimated(*data, axis=0)),
        low=float(interval.low),
        high=float(interval.high),
        p=float(test.pvalue),
        boots=boots,
    )


def _mean(ratios: F64, axis: int) -> Any:
    return np.mean(ratios, axis=axis)


def _median(ratios: F64, axis: int) -> Any:
    return np.median(ratios, axis=axis)


def _between(before: F64, after: F64, axis: int) -> Any:
    return np.median(before, axis=axis) - np.median(after, axis=axis)


def _holm(values: list[float]) -> list[float]:
    """Holm's step-down correction, in the order of *values*."""
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected, highest = [0.0] * len(values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, values[index] * (len(values) - place)))
        corrected[index] = highest
    return corrected
