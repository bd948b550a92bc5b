"""Verdicts on path lengths, the times of a near-exact clock."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.compare import path_length
from pvbench.results.rows import Row
from support.runs import row_of

BASE_S = 35e-6
LENGTHS = st.dictionaries(st.integers(1, 6), st.floats(1e-6, 1e-3), min_size=1, max_size=4)


def row(boots: dict[int, float]) -> Row:
    """A series with the path length of each boot by its number."""
    without = row_of("broadcast", "x2apic-physical", *boots.values())
    return attrs.evolve(without, boots=tuple(boots))


def verdict(before: Row, after: Row) -> str:
    """The verdict on a pair."""
    return path_length.verdict(path_length.ratios(before, after))


@pytest.mark.parametrize(
    ("percents", "expected"),
    [
        pytest.param((0, 0), "equivalent", id="bit-identical"),
        pytest.param((0.09, -0.09), "equivalent", id="within-the-band"),
        pytest.param((0.11, 0), "inconclusive", id="one-pair-outside-the-band"),
        pytest.param((0.4, 0.4), "inconclusive", id="as-boots-of-one-kernel-may-differ"),
        pytest.param((0.6, 0.6), "longer", id="longer"),
        pytest.param((-0.6, -0.6), "shorter", id="shorter"),
        pytest.param((0.6, 0.4), "inconclusive", id="not-every-pair"),
        pytest.param((5, -5), "inconclusive", id="in-both-directions"),
        pytest.param((10,), "longer", id="one-boot-each"),
        pytest.param((0.21,) * 5, "inconclusive", id="little-in-five-boots"),
        pytest.param((0.21,) * 6, "longer", id="little-in-six-boots"),
        pytest.param((-0.21,) * 6, "shorter", id="little-shorter-in-six-boots"),
        pytest.param((*(0.21,) * 5, 0.19), "inconclusive", id="little-in-five-of-six-boots"),
    ],
)
def test_a_path_is_longer_only_if_each_pair_of_boots_shows_it(
    percents: tuple[float, ...], expected: str
) -> None:
    """By more than 0.5 %, or 0.2 % in six boots: less may be the times at which they start."""
    before = dict.fromkeys(range(len(percents)), BASE_S)
    after = {number: BASE_S * (1 + part / 100) for number, part in enumerate(percents)}

    assert verdict(row(before), row(after)) == expected


@given(lengths=LENGTHS)
def test_equal_runs_are_equivalent_however_far_their_own_boots_lie_apart(
    lengths: dict[int, float],
) -> None:
    """The boots of a run start at different times, but boot n as boot n of the other run."""
    assert verdict(row(lengths), row(lengths)) == "equivalent"


@pytest.mark.parametrize(
    ("before", "after", "ratios"),
    [
        pytest.param({1: 1.0, 2: 2.0}, {2: 3.0, 1: 1.0}, (1.0, 1.5), id="same-numbers"),
        pytest.param({1: 1.0, 2: 2.0}, {2: 3.0, 3: 9.0}, (1.5,), id="some-in-common"),
        pytest.param({1: 1.0, 2: 2.0}, {3: 4.0}, (4.0, 2.0), id="none-in-common"),
    ],
)
def test_boots_are_compared_by_their_numbers(
    before: dict[int, float], after: dict[int, float], ratios: tuple[float, ...]
) -> None:
    """Boots without a common number are compared each with each."""
    assert path_length.ratios(row(before), row(after)) == ratios


def test_boots_without_numbers_are_compared_each_with_each() -> None:
    """A file of another program need not number them."""
    before, after = (row_of("broadcast", "native", *boots) for boots in ((1.0, 2.0), (4.0,)))

    assert path_length.ratios(before, after) == (4.0, 2.0)


@given(before=LENGTHS, after=LENGTHS)
def test_the_range_of_the_slowdown_agrees_with_the_verdict(
    before: dict[int, float], after: dict[int, float]
) -> None:
    """It contains 1 if the path is neither longer nor shorter, and the sides can be swapped."""
    sides = row(before), row(after)
    ratios = path_length.ratios(*sides)
    low, high = path_length.slowdown(ratios)
    swapped = {"longer": "shorter", "shorter": "longer"}
    result = path_length.verdict(ratios)

    assert low <= min(ratios) <= max(ratios) <= high
    assert result != "longer" or low > 1
    assert result != "shorter" or high < 1
    assert result != "equivalent" or low <= 1 <= high
    assert verdict(*reversed(sides)) == swapped.get(result, result)
