"""
How far whole runs of the same code differ, for files that were not interleaved.

Load, temperature and neighbours change between two runs, and no number of boots shows by
how much.  `pvbench noise --sessions` measures it: the rms of the log ratio of run pairs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import attrs
import numpy as np


@attrs.frozen(kw_only=True)
class Allowance:
    """
    The measured differences of whole runs for one series on this host.

    Args:
        rms_log_ratio: the root mean square of the log ratios of run pairs.
        sessions: the number of run pairs.
    """

    rms_log_ratio: float
    sessions: int

    def of_pairs(self, pairs: int, alpha: float) -> float:
        """
        The log ratio that none of *pairs* pairs exceeds by chance, except with probability
        *alpha*.
        """
        return _quantile(self.sessions, 1 - alpha / pairs / 2) * self.rms_log_ratio


@cache
def _quantile(freedom: int, probability: float) -> float:
    """The quantile of Student's t; a history asks for the same one many times."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))


def allowance(log_ratios: Sequence[float]) -> Allowance:
    """The allowance that follows from the log ratios of at least one run pair."""
    squares = [value**2 for value in log_ratios]
    return Allowance(
        rms_log_ratio=math.sqrt(math.fsum(squares) / len(squares)), sessions=len(squares)
    )


def log_ratio(before_s: Sequence[float], after_s: Sequence[float]) -> float:
    """The log of the speed ratio of two runs: of the geometric means of their boots."""
    return float(np.mean(np.log(before_s)) - np.mean(np.log(after_s)))


def scatter(before_s: Sequence[float], after_s: Sequence[float], alpha: float) -> float | None:
    """
    Half of the interval of `log_ratio` that the scatter of the boots alone gives.

    Welch's; None if a side has one boot only.  It holds for the boots of these two runs
    and knows nothing of what changed between them.
    """
    from scipy.special import stdtrit

    if min(len(before_s), len(after_s)) < 2:
        return None
    sides = [np.log(before_s), np.log(after_s)]
    variances = [float(side.var(ddof=1)) / len(side) for side in sides]
    if not any(variances):
        return 0.0
    freedom = sum(variances) ** 2 / sum(
        variance**2 / (len(side) - 1) for variance, side in zip(variances, sides, strict=True)
    )
    return float(stdtrit(freedom, 1 - alpha / 2)) * math.sqrt(sum(variances))
