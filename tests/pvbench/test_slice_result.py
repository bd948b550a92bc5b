"""Slice results: distributions."""

from __future__ import annotations

import pytest

from pvbench.slice_result import Distribution


@pytest.mark.parametrize(
    ("values", "p50", "p99", "maximum"),
    [
        pytest.param([7], 7, 7, 7, id="one"),
        pytest.param([9, 3], 3, 3, 9, id="two"),
        pytest.param([5, 1, 9], 5, 5, 9, id="three"),
        pytest.param(range(101), 50, 99, 100, id="a-hundred-and-one"),
        pytest.param([0] * 100 + [1000], 0, 0, 1000, id="one-outlier"),
    ],
)
def test_percentiles_are_values_that_occur(
    values: list[int], p50: int, p99: int, maximum: int
) -> None:
    """Ticks are integers, so a percentile is the value below it, never a mean of two."""
    assert Distribution.of(values) == Distribution(p50=p50, p99=p99, maximum=maximum)
