"""The times of single bursts, as far as the histograms of a result file tell."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Final

import attrs
import pyperf

from pvbench.errors import UsageError
from pvbench.histogram import Histogram
from pvbench.results import schema

_MOST_POINTS: Final = 200


@attrs.frozen
class Bursts:
    """The times of the bursts of one series, of all its boots."""

    histogram: Histogram
    ticks_per_second: float

    def shares(self) -> Iterator[tuple[float, float]]:
        """Times in seconds, each with the share of bursts that took at most so long."""
        numbers = self.histogram.counts.values()
        total = sum(numbers)
        points = [*zip(self.histogram.middles(), accumulate(numbers), strict=True)]
        step = -(-len(points) // _MOST_POINTS)
        for ticks, number in (*points[:-1:step], points[-1]):
            yield ticks / self.ticks_per_second, number / total


def of_series(benchmark: pyperf.Benchmark) -> Bursts | None:
    """
    The bursts of one series; None if its boots have no histograms of one clock.

    Raises:
        UsageError: a histogram cannot be read.
    """
    boots = [schema.from_metadata(run.get_metadata()) for run in benchmark.get_runs()]
    texts = [boot.get("histogram_ticks") for boot in boots]
    rates = {boot.get("ticks_per_second") for boot in boots}
    rate = next(iter(rates))
    if not all(texts) or len(rates) != 1 or rate is None:
        return None
    try:
        histogram = Histogram.merged(map(Histogram.decoded, map(str, texts)))
    except ValueError as error:
        raise UsageError(f"{benchmark.get_name()} is malformed", why=str(error)) from None
    return Bursts(histogram, float(rate))
