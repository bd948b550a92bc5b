"""Verdicts on path lengths, the times of a near-exact clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.compare import path_length

BASE_S = 35e-6
IN_BAND = st.lists(st.floats(0, 0.000999), min_size=1, max_size=4)


def boots(*percents: float) -> tuple[float, ...]:
    """Path lengths that are longer than a base by these percentages."""
    return tuple(BASE_S * (1 + percent / 100) for percent in percents)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        pytest.param((0, 0), (0, 0), "equivalent", id="bit-identical"),
        pytest.param((0, 0.04), (0.03, 0.09), "equivalent", id="within-the-band"),
        pytest.param((0, 0), (0.11, 0.11), "inconclusive", id="just-outside-the-band"),
        pytest.param((0, 0), (0.19, 0.19), "inconclusive", id="not-well-outside"),
        pytest.param((0, 0), (0.21, 0.21), "longer", id="longer"),
        pytest.param((0.21, 0.21), (0, 0), "shorter", id="shorter"),
        pytest.param((0, 0.1), (0.25, 0.4), "inconclusive", id="ranges-near-each-other"),
        pytest.param((0, 5), (4, 9), "inconclusive", id="ranges-overlap"),
        pytest.param((0,), (10,), "longer", id="one-boot-each"),
    ],
)
def test_a_path_is_longer_only_if_the_ranges_lie_well_apart(
    before: tuple[float, ...], after: tuple[float, ...], verdict: str
) -> None:
    """By more than 0.2 %, twice what equal runs differ by."""
    assert path_length.verdict(boots(*before), boots(*after)) == verdict


@given(before=IN_BAND, after=IN_BAND, base_s=st.floats(1e-9, 1e3))
def test_equal_sides_whose_boots_lie_in_the_band_have_no_difference(
    before: list[float], after: list[float], base_s: float
) -> None:
    """Whatever their number, and wherever in the band of 0.1 % they lie."""
    sides = ([base_s * (1 + part) for part in side] for side in (before, after))

    assert path_length.verdict(*sides) == "equivalent"


@given(
    before=st.lists(st.floats(1e-6, 1e-3), min_size=1, max_size=4),
    after=st.lists(st.floats(1e-6, 1e-3), min_size=1, max_size=4),
)
def test_the_range_of_the_slowdown_agrees_with_the_verdict(
    before: list[float], after: list[float]
) -> None:
    """It contains 1 if the path is neither longer nor shorter, and the sides can be swapped."""
    low, high = path_length.slowdown(before, after)
    verdict = path_length.verdict(before, after)
    swapped = {"longer": "shorter", "shorter": "longer"}

    assert low <= min(after) / max(before) <= max(after) / min(before) <= high
    assert verdict != "longer" or low > 1
    assert verdict != "shorter" or high < 1
    assert verdict != "equivalent" or low <= 1 <= high
    assert path_length.verdict(after, before) == swapped.get(verdict, verdict)
