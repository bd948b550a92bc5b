"""Slice results: distributions of the times of single bursts."""

from __future__ import annotations

from fractions import Fraction
from statistics import fmean, median
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.histogram import Histogram
from pvbench.slice_result import Distribution, quantile

TICKS = st.lists(st.integers(0, 2**50), min_size=1, max_size=300)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([7], (7, 7, 7, 7), id="one"),
        pytest.param([9, 3], (3, 6, 9, 9), id="two"),
        pytest.param([5, 1, 9], (1, 5, 9, 9), id="three"),
        pytest.param(range(100), (0, 49.5, 98.5, 99), id="a-hundred"),
        pytest.param(range(101), (0, 50, 99, 100), id="a-hundred-and-one"),
        pytest.param([0] * 100 + [1000], (0, 0, 0, 1000), id="one-outlier"),
    ],
)
def test_a_distribution_has_minimum_median_p99_and_maximum(
    values: list[int], expected: tuple[float, ...]
) -> None:
    """The median of an even number of values is the mean of the middle two."""
    times = Distribution.of(values)

    assert (times.minimum, times.median, times.p99, times.maximum) == expected


@given(TICKS, st.integers(0, 1000))
def test_a_quantile_is_numpy_s_averaged_inverted_cdf(ticks: list[int], per_mille: int) -> None:
    """
    It is type 2 of Hyndman and Fan, 1996; a fraction, since 0.99 is not exactly 99 of 100.
    """
    place = Fraction(per_mille, 1000) * len(ticks)
    ordered = sorted(ticks)
    if place.denominator == 1 and 0 < place < len(ticks):
        expected = (ordered[int(place) - 1] + ordered[int(place)]) / 2
    else:
        expected = np.quantile(ordered, per_mille / 1000, method="inverted_cdf")

    assert quantile(ordered, per_mille) == expected


@pytest.mark.parametrize("per_mille", [0, 250, 500, 750, 1000])
@given(ticks=TICKS)
def test_quarters_are_those_of_numpy(per_mille: int, ticks: list[int]) -> None:
    """These fractions are exact in binary, so numpy decides alike between two values."""
    part = per_mille / 1000

    assert quantile(sorted(ticks), per_mille) == pytest.approx(
        np.quantile(ticks, part, method="averaged_inverted_cdf"), rel=1e-15
    )


@given(TICKS)
def test_a_distribution_agrees_with_the_statistics_of_python(ticks: list[int]) -> None:
    """The total divided by the number of samples is the mean."""
    times = Distribution.of(iter(ticks))

    assert (times.minimum, times.maximum) == (min(ticks), max(ticks))
    assert times.median == median(ticks)
    assert times.mean == times.total / times.samples == pytest.approx(fmean(ticks), rel=1e-12)
    assert Histogram.decoded(times.histogram) == Histogram.of(ticks)


@given(st.integers(0, 2**50), st.integers(1, 10_000))
def test_the_makespan_of_a_slice_is_one_time(ticks: int, loops: int) -> None:
    """It is that of one iteration; every quantile of one time is that time."""
    times = Distribution.of_span(ticks, loops)

    assert {ticks / loops} == {
        times.mean,
        times.minimum,
        times.median,
        times.p99,
        times.maximum,
    }
    assert sum(Histogram.decoded(times.histogram).counts.values()) == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"samples": 0}, id="no-sample"),
        pytest.param({"minimum": -1}, id="negative"),
        pytest.param({"median": 4}, id="median-below-minimum"),
        pytest.param({"median": 8}, id="median-above-p99"),
        pytest.param({"p99": 10}, id="p99-above-maximum"),
        pytest.param({"maximum": float("nan")}, id="nan"),
        pytest.param({"total": 14}, id="mean-below-minimum"),
        pytest.param({"total": 28}, id="mean-above-maximum"),
    ],
)
def test_times_that_contradict_each_other_are_refused(change: dict[str, Any]) -> None:
    """The results of a worker are untrusted."""
    times = Distribution.of([5, 7, 9])
    attrs.evolve(times, p99=7)

    with pytest.raises(ValueError, match="ticks are impossible"):
        attrs.evolve(times, **({"p99": 7} | change))


def test_a_histogram_that_cannot_be_read_is_refused() -> None:
    """It is stored, and read again when the file is shown."""
    with pytest.raises(ValueError, match="'x' is not an entry of a histogram"):
        attrs.evolve(Distribution.of([5]), histogram="x")
