"""The error of a total that rests on a sample of sends."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Final

from pvbench.workload import Drawn

_NORMAL: Final = 1.96  # standard errors on each side of a 95 % interval


def sampling_error(sample: Sequence[Drawn], ticks: Sequence[float]) -> float:
    """
    Half of the 95 % interval of the total time of all sends.

    Args:
        sample: how each send was drawn.
        ticks: the time of each.
    """
    strata: dict[str, list[tuple[Drawn, float]]] = {}
    for drawn, value in zip(sample, ticks, strict=True):
        strata.setdefault(drawn.stratum, []).append((drawn, value))
    return _NORMAL * sqrt(sum(map(_variance, strata.values())))


def _variance(values: Sequence[tuple[Drawn, float]]) -> float:
    """The variance of the total of one stratum, of which a part was drawn."""
    sends, size = values[0][0].sends, values[0][0].drawn
    if size == sends:
        return 0.0
    mean = sum(drawn.times * value for drawn, value in values) / size
    squares = sum(drawn.times * (value - mean) ** 2 for drawn, value in values)
    return sends * (sends - size) / size * squares / (size - 1)
