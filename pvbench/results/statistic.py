"""Statistics of the bursts of a boot, which are the values that are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Final

from pvbench.errors import UsageError
from pvbench.histogram import Histogram

MEDIAN: Final = "median"
MEAN: Final = "mean"
Facts = dict[str, Any]


def _p999_s(facts: Facts) -> float | None:
    """The 99.9th percentile, as far as the histogram tells; never above the maximum."""
    text, rate = facts.get("histogram_ticks"), facts.get("ticks_per_second")
    if not (text and rate):
        return None
    value_s: float = Histogram.decoded(text).quantile(999) / rate
    longest_s: float = facts.get("maximum_s", value_s)
    return min(value_s, longest_s)  # a bucket may end above it


# How a statistic follows from the metadata of a boot, in the order of a table.
_OF_FACTS: Final[dict[str, Callable[[Facts], float | None]]] = {
    "min": lambda facts: facts.get("minimum_s"),
    MEAN: lambda facts: facts.get("mean_s"),
    "p99": lambda facts: facts.get("p99_s"),
    "p99.9": _p999_s,
    "max": lambda facts: facts.get("maximum_s"),
}
ALL: Final = ("min", MEDIAN, MEAN, "p99", "p99.9", "max")


def stored(facts: Facts) -> str:
    """The statistic that the values of a file are; files without the fact hold means."""
    return str(facts.get("statistic", MEAN))


def of_boot(values: Sequence[float], facts: Facts, statistic: str, name: str) -> float | None:
    """
    The value of *statistic* in one boot of series *name*, seconds; None if it is not stored.

    Raises:
        UsageError: the histogram of the boot cannot be read.
    """
    if statistic in (MEDIAN, stored(facts)):
        return float(median(values))
    try:
        return _OF_FACTS[statistic](facts) or None
    except ValueError as error:
        raise UsageError(f"{name} is malformed", why=str(error)) from None
