"""The error of a total that rests on a sample."""

from __future__ import annotations

import random
from itertools import repeat

import pytest

from pvbench.run.sampling_error import sampling_error
from pvbench.workload import Drawn


def test_a_stratum_that_was_drawn_whole_has_no_error() -> None:
    """All of its sends are known."""
    drawn = [Drawn(stratum="a", sends=3, drawn=3, times=times) for times in (2, 1)]

    assert sampling_error(drawn, [10.0, 70.0]) == 0


def test_the_error_is_that_of_a_stratified_sample() -> None:
    """By hand; the variance of 1, 1, 3, 7 is 8, and that of 5, 6 is a half."""
    first = [Drawn(stratum="a", sends=100, drawn=4, times=times) for times in (2, 1, 1)]
    second = list(repeat(Drawn(stratum="b", sends=10, drawn=2, times=1), 2))
    variance = 100 * 96 / 4 * 8 + 10 * 8 / 2 * 0.5

    assert sampling_error([*first, *second], [1, 3, 7, 5, 6]) == pytest.approx(
        1.96 * variance**0.5
    )


def test_the_interval_contains_the_total_of_about_95_in_100_samples() -> None:
    """A population of two strata, of which 30 and 20 values are drawn."""
    drawing = random.Random(1)  # noqa: S311 - no secret
    strata = {
        "a": ([drawing.gauss(100, 20) for _ in range(400)], 30),
        "b": ([drawing.gauss(900, 300) for _ in range(100)], 20),
    }
    total = sum(sum(values) for values, _ in strata.values())
    contained = 0
    for _ in range(500):
        sample, ticks, estimate = [], [], 0.0
        for name, (values, size) in strata.items():
            chosen = drawing.sample(values, size)
            how = Drawn(stratum=name, sends=len(values), drawn=size, times=1)
            sample += [how] * size
            ticks += chosen
            estimate += sum(chosen) / size * len(values)
        contained += abs(estimate - total) <= sampling_error(sample, ticks)

    assert 450 <= contained <= 490
