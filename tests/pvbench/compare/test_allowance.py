"""The allowance for runs that were made one after the other."""

from __future__ import annotations

import math

import pytest

from pvbench.compare.allowance import Allowance, allowance, log_ratio, scatter


def test_an_allowance_is_the_root_mean_square_of_log_ratios() -> None:
    """Of two run pairs, 3 % and 4 % apart in either direction."""
    measured = allowance([0.03, -0.04])

    assert measured.rms_log_ratio == pytest.approx(0.025 * math.sqrt(2))
    assert measured.sessions == 2


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [pytest.param(1, 2.228, id="one-pair"), pytest.param(5, 3.169, id="one-in-five")],
)
def test_a_difference_must_exceed_t_times_the_allowance(pairs: int, expected: float) -> None:
    """Student's table has t for ten degrees of freedom; the two sides have 5 % and 1 %."""
    measured = Allowance(rms_log_ratio=0.01, sessions=10)

    assert measured.of_pairs(pairs, 0.05) == pytest.approx(0.01 * expected, abs=1e-5)


def test_the_ratio_of_two_runs_is_that_of_geometric_means() -> None:
    """1 and 4 have the geometric mean 2."""
    assert log_ratio([1, 4], [1, 1, 1]) == pytest.approx(math.log(2))


def test_the_scatter_of_equal_boots_is_welch_s_interval() -> None:
    """
    Each side has variance 1 and three boots: four degrees of freedom, 2.776 errors.
    """
    boots = [math.exp(value) for value in (-1, 0, 1)]

    assert scatter(boots, boots, 0.05) == pytest.approx(2.776 * math.sqrt(2 / 3), abs=1e-3)


def test_the_scatter_of_unequal_boots_is_that_of_the_noisy_side() -> None:
    """The other side has none: two degrees of freedom, 4.303 errors."""
    noisy = [math.exp(value) for value in (-1, 0, 1)]

    assert scatter(noisy, [2, 2, 2], 0.05) == pytest.approx(4.303 * math.sqrt(1 / 3), abs=1e-3)


def test_boots_that_are_all_equal_do_not_scatter() -> None:
    """A coarse clock gives such boots."""
    assert scatter([1, 1], [2, 2], 0.05) == 0


def test_one_boot_has_no_scatter() -> None:
    """One value does not tell how far it may be off."""
    assert scatter([1], [1, 2, 3], 0.05) is None
