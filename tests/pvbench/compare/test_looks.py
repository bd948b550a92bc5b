"""Looks are fixed beforehand and share the error."""

from __future__ import annotations

import pytest

from pvbench.compare.looks import alpha_of_look, looks


@pytest.mark.parametrize(
    ("max_boots", "expected"),
    [
        pytest.param(6, (6,), id="fewer-than-the-first-look"),
        pytest.param(10, (10,), id="the-first-look-alone"),
        pytest.param(11, (10, 11), id="one-more"),
        pytest.param(40, (10, 20, 40), id="doubled-twice"),
        pytest.param(50, (10, 20, 40, 50), id="the-last-look-has-all-boots"),
    ],
)
def test_boots_are_doubled_from_look_to_look(max_boots: int, expected: tuple[int, ...]) -> None:
    """The largest number of boots is always looked at."""
    assert looks(max_boots) == expected


def test_looks_share_the_probability_of_a_false_verdict_equally() -> None:
    """Three looks at up to 40 boots have a third each."""
    assert alpha_of_look(0.06, 40) == pytest.approx(0.02)
    assert alpha_of_look(0.06, 10) == 0.06
