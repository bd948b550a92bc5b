"""The times of one series in one boot, beside the medians of its slices."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from pvbench.histogram import Histogram
from pvbench.results.fact import Value
from pvbench.slice_result import Distribution


def facts(slices: Sequence[Distribution], ticks_per_second: int) -> dict[str, Value]:
    """
    Facts of a boot: mean and p99 are medians over its slices, the rest is of all bursts.

    The histogram counts ticks, because small ones are exact.
    """
    ticks = {
        "mean": median(times.mean for times in slices),
        "p99": median(times.p99 for times in slices),
        "minimum": min(times.minimum for times in slices),
        "maximum": max(times.maximum for times in slices),
    }
    histogram = Histogram.merged(Histogram.decoded(times.histogram) for times in slices)
    return {
        **{f"{name}_s": value / ticks_per_second for name, value in ticks.items()},
        "histogram_ticks": histogram.encoded(),
        "ticks_per_second": ticks_per_second,
    }
