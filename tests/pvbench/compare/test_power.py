"""How many boots find a difference; benchmarks/verdicts.py simulates that this is so."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.compare.power import MOST_BOOTS, boots_needed, power, smallest_difference

ALPHA = 0.05


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        pytest.param(20, 0.995, id="20-pairs"),
        pytest.param(85, 0.97, id="85-pairs"),
        pytest.param(300, 0.86, id="300-pairs"),
    ],
)
def test_ten_boots_find_a_log_ratio_of_five_per_cent(pairs: int, expected: float) -> None:
    """With a spread of 2 %, as simulated independently when the test was chosen."""
    effect = 0.05 / 0.02

    assert power(boots=10, pairs=pairs, effect=effect, alpha=ALPHA) == pytest.approx(
        expected, abs=0.01
    )


def test_too_few_boots_have_no_power() -> None:
    """Five boots permit no verdict, however large the difference."""
    assert power(boots=5, pairs=1, effect=math.inf, alpha=ALPHA) == 0
    assert power(boots=6, pairs=1, effect=math.inf, alpha=ALPHA) == 1


@pytest.mark.parametrize(("pairs", "expected"), [(1, 6), (5, 7), (20, 8), (85, 10), (300, 11)])
def test_more_pairs_need_more_boots(pairs: int, expected: int) -> None:
    """They find 5 % with a spread of 2 %."""
    needed = boots_needed(pairs=pairs, difference=0.05, spread=0.02, alpha=ALPHA)

    assert needed == expected


def test_no_number_is_given_that_was_not_simulated() -> None:
    """A thousand boots would not do."""
    assert boots_needed(pairs=1, difference=0.01, spread=1, alpha=ALPHA) is None
    assert MOST_BOOTS == 1000


def test_boots_without_spread_need_no_more_than_a_verdict_takes() -> None:
    """Six boots."""
    assert boots_needed(pairs=1, difference=0.05, spread=0, alpha=ALPHA) == 6


@given(
    st.sampled_from([1, 5, 20, 85, 300]),
    st.floats(0.01, 0.5),
    st.floats(0.01, 0.2),
)
def test_the_boots_needed_are_the_fewest_that_have_the_power(
    pairs: int, difference: float, spread: float
) -> None:
    """One boot fewer has less than 90 %."""
    needed = boots_needed(pairs=pairs, difference=difference, spread=spread, alpha=ALPHA)
    effect = math.log1p(difference) / spread

    def power_of(boots: int) -> float:
        return power(boots=boots, pairs=pairs, effect=effect, alpha=ALPHA)

    assert power_of(needed or MOST_BOOTS + 1) >= 0.9 or needed is None
    assert power_of((needed or MOST_BOOTS + 1) - 1) < 0.9


@given(st.integers(6, 60), st.sampled_from([1, 20, 300]), st.floats(0.001, 0.2))
def test_the_smallest_difference_has_the_power(boots: int, pairs: int, spread: float) -> None:
    """Nine of ten comparisons find it."""
    difference = smallest_difference(boots=boots, pairs=pairs, spread=spread, alpha=ALPHA)
    assert difference is not None

    effect = math.log1p(difference) / spread
    assert power(boots=boots, pairs=pairs, effect=effect, alpha=ALPHA) == pytest.approx(0.9)


def test_too_few_boots_find_no_difference() -> None:
    """Five boots permit no verdict."""
    assert smallest_difference(boots=5, pairs=1, spread=0.02, alpha=ALPHA) is None
