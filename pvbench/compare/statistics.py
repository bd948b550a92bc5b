"""
Verdicts on noisy clocks; the value of each boot is one observation.

Boots that were interleaved are compared in pairs, by a sign-flip test.  Whole runs are
compared only where it is known how far equal runs differ.  The verdict follows from the
interval alone, and the intervals of one comparison hold at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from pvbench.compare import power
from pvbench.compare.allowance import Allowance, log_ratio, scatter
from pvbench.compare.sign_flip import LogRatios, intervals, least_boots

ALPHA: Final = 0.05
NOT_INTERLEAVED: Final = "not interleaved"
_ROUNDING: Final = 1e-9


@attrs.frozen(kw_only=True)
class Interleaved:
    """
    Two sides whose boots were measured together.

    Args:
        before_s, after_s: the value of each boot in seconds, by its label.  Boots with
            one label are an observation, and the pairs of a comparison share labels.
        margin: speed ratios this close to 1 are equivalent; 0.02 is 2 %.
    """

    before_s: Mapping[int, float]
    after_s: Mapping[int, float]
    margin: float

    @property
    def log_ratios(self) -> dict[int, float]:
        """The log of the speed ratio of each boot that both sides have."""
        return {
            label: math.log(before_s / self.after_s[label])
            for label, before_s in self.before_s.items()
            if label in self.after_s
        }


@attrs.frozen(kw_only=True)
class NotInterleaved:
    """
    Two sides that were measured one after the other.

    Args:
        before_s, after_s: the values of their boots in seconds.
        margin: as that of `Interleaved`.
        allowance: how far equal runs of this series differ, if that was measured.
    """

    before_s: Sequence[float]
    after_s: Sequence[float]
    margin: float
    allowance: Allowance | None = None


Sample = Interleaved | NotInterleaved


@attrs.frozen(kw_only=True)
class Verdict:
    """
    The verdict on a sample.

    Args:
        kind: ``faster``, ``slower``, ``equivalent`` or ``inconclusive``.
        ratio: the speed ratio, of the geometric means of the boots.
        low, high: its interval; None if there is none.
        reason: why it is inconclusive.
        boots_needed: as many boots find a difference of `finds` in nine of ten
            comparisons like this one; None where that cannot be said.
        finds: a part of the time; 0.05 is 5 %.
    """

    kind: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    boots_needed: int | None = None
    finds: float | None = None

    @property
    def is_decided_by_it(self) -> bool:
        """
        Whether the interval decides the verdict; one of the scatter of boots alone does not.
        """
        return self.reason != NOT_INTERLEAVED


def verdicts(samples: Sequence[Sample], alpha: float = ALPHA) -> list[Verdict]:
    """
    A verdict for each sample; all of them belong to one comparison.

    Args:
        samples: one for each pair.
        alpha: the probability that a comparison of equal sides has a false verdict.
    """
    interleaved = [sample for sample in samples if isinstance(sample, Interleaved)]
    others = [sample for sample in samples if isinstance(sample, NotInterleaved)]
    allowed = sum(sample.allowance is not None for sample in others)
    of_interleaved = iter(_of_interleaved(interleaved, alpha))
    of_others = (_of_runs(sample, allowed, alpha) for sample in others)
    return [
        next(of_interleaved if isinstance(sample, Interleaved) else of_others)
        for sample in samples
    ]


def _of_interleaved(samples: Sequence[Interleaved], alpha: float) -> list[Verdict]:
    """
    The verdicts on interleaved boots; a pair with too few of them is not tested with the
    others.
    """
    least = least_boots(alpha)
    log_ratios = [sample.log_ratios for sample in samples]
    enough = [pair for pair in log_ratios if len(pair) >= least]
    tested = iter(_tested(enough, alpha) if enough else ())
    return [
        next(tested).verdict(sample.margin) if len(pair) >= least else _too_few(pair, least)
        for sample, pair in zip(samples, log_ratios, strict=True)
    ]


def _tested(log_ratios: Sequence[Mapping[int, float]], alpha: float) -> Iterator[_Tested]:
    pairs = LogRatios.of(log_ratios)
    ends = intervals(pairs, alpha)
    each = zip(pairs.mean, pairs.spread, pairs.boots, ends, strict=True)
    for mean, spread, boots, both in each:
        yield _Tested(float(mean), float(spread), int(boots), both, len(ends), alpha)


def _too_few(pair: Mapping[int, float], least: int) -> Verdict:
    ratio = math.exp(math.fsum(pair.values()) / len(pair)) if pair else None
    boots = "1 boot is" if len(pair) == 1 else f"{len(pair)} boots are"
    reason = f"{boots} too few for a verdict, which needs {least}"
    return Verdict(kind="inconclusive", ratio=ratio, reason=reason)


@attrs.frozen
class _Tested:
    """The mean log ratio of a pair, its spread and its interval, among *pairs* of them."""

    mean: float
    spread: float
    boots: int
    ends: tuple[float, float]
    pairs: int
    alpha: float

    def verdict(self, margin: float) -> Verdict:
        """If it is inconclusive, the verdict says how many boots find a difference."""
        verdict = _verdict(self.mean, self.ends, margin, "the interval contains 1")
        if verdict.kind != "inconclusive":
            return verdict
        spread = power.spread_of_few(self.spread, self.boots)
        if spread is None:
            return verdict
        finds = max(math.expm1(abs(self.mean)), margin)
        needed = power.boots_needed(
            pairs=self.pairs, difference=finds, spread=spread, alpha=self.alpha
        )
        return attrs.evolve(verdict, boots_needed=needed, finds=finds if needed else None)


def of_whole_runs(
    mean: float,
    allowance: Allowance,
    *,
    pairs: int,
    margin: float,
    alpha: float = ALPHA,
    factor: float = 1.0,
) -> Verdict:
    """
    The verdict on whole runs by an allowance that is above 0.

    Args:
        mean: the log of the speed ratio.
        allowance: how far equal runs of this series differ.
        pairs: the number of pairs that are compared, all of which have an allowance.
        margin: as that of `Interleaved`.
        alpha: as that of `verdicts`.
        factor: the part of the allowance that applies, as means of runs differ less.
    """
    half = factor * allowance.of_pairs(pairs, alpha)
    ends = (mean - half, mean + half)
    return _verdict(mean, ends, margin, "equal runs of this host differ as much")


def _of_runs(sample: NotInterleaved, allowed: int, alpha: float) -> Verdict:
    """The verdict on two whole runs, if *allowed* pairs of the comparison have an allowance."""
    mean = log_ratio(sample.before_s, sample.after_s)
    if sample.allowance and sample.allowance.rms_log_ratio:
        return of_whole_runs(
            mean, sample.allowance, pairs=allowed, margin=sample.margin, alpha=alpha
        )
    verdict = Verdict(kind="inconclusive", ratio=math.exp(mean), reason=NOT_INTERLEAVED)
    boots = scatter(sample.before_s, sample.after_s, alpha)
    if boots is None:
        return verdict
    return attrs.evolve(verdict, low=math.exp(mean - boots), high=math.exp(mean + boots))


def _verdict(mean: float, ends: tuple[float, float], margin: float, otherwise: str) -> Verdict:
    """The verdict that follows from an interval of log ratios."""
    low, high = ends
    edge = math.log1p(margin) + _ROUNDING
    if -edge <= low and high <= edge:
        kind = "equivalent"
    elif low > 0:
        kind = "faster"
    else:
        kind = "slower" if high < 0 else "inconclusive"
    return Verdict(
        kind=kind,
        ratio=math.exp(mean),
        low=math.exp(low),
        high=math.exp(high),
        reason=otherwise if kind == "inconclusive" else "",
    )
