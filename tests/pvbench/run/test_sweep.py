"""Sweeps: the values of a range or a list, and their combinations."""

from __future__ import annotations

import pytest

from pvbench.errors import UsageError
from pvbench.run.sweep import Point, parsed, points


def texts_of(*sweeps: str) -> list[str]:
    """Each point of *sweeps* as results name it."""
    return [str(point) for point in points([parsed(sweep) for sweep in sweeps])]


@pytest.mark.parametrize(
    ("sweep", "values"),
    [
        pytest.param("costs.eoi=10:30:10", ["10", "20", "30"], id="with-the-last"),
        pytest.param("costs.eoi=10:39:10", ["10", "20", "30"], id="the-last-is-not-reached"),
        pytest.param("costs.eoi=5:5:1", ["5"], id="one"),
        pytest.param("costs.eoi=0.1:0.3:0.1", ["0.1", "0.2", "0.3"], id="no-rounding-error"),
        pytest.param("costs.eoi=300,7", ["300", "7"], id="list-in-its-order"),
        pytest.param("costs.eoi=1,1.0,2", ["1", "2"], id="equal-values-once"),
        pytest.param("costs.eoi=1000", ["1000"], id="one-value"),
    ],
)
def test_a_range_includes_its_end_and_a_list_is_taken_as_it_is(
    sweep: str, values: list[str]
) -> None:
    """Values are decimal numbers, written without zeros at the end."""
    assert texts_of(sweep) == [f"costs.eoi={value}" for value in values]


def test_two_sweeps_have_a_point_for_each_combination() -> None:
    """The last one changes fastest."""
    assert texts_of("costs.eoi=1,2", "ratios.x=3,4") == [
        "costs.eoi=1 ratios.x=3",
        "costs.eoi=1 ratios.x=4",
        "costs.eoi=2 ratios.x=3",
        "costs.eoi=2 ratios.x=4",
    ]


def test_a_run_without_a_sweep_has_one_point() -> None:
    """It sets no number."""
    assert points(()) == (Point(),)
    assert (str(Point()), Point().numbers) == ("", {})


def test_a_delivery_gets_the_numbers() -> None:
    """By their names in the cost profile."""
    (point,) = points([parsed("costs.eoi=0.5")])

    assert point.numbers == {"costs.eoi": 0.5}


@pytest.mark.parametrize(
    ("sweeps", "sentence"),
    [
        pytest.param(
            ["costs.eoi"],
            "'costs.eoi' is not a sweep: it has no value. Write costs.NAME=",
            id="bare",
        ),
        pytest.param(["=1:2:1"], "'=1:2:1' is not a sweep: it has no name.", id="no-name"),
        pytest.param(["costs.eoi="], "it has no value.", id="no-value"),
        pytest.param(
            ["costs.eoi=1:2"],
            "it is neither a range, with two colons, nor a list.",
            id="no-step",
        ),
        pytest.param(["costs.eoi=-1"], "'-1' has not the form 1000 or 0.5", id="negative"),
        pytest.param(["costs.eoi=2,1e9"], "'1e9' has not the form", id="exponent"),
        pytest.param(["costs.eoi=1:nan:1"], "'nan' has not the form", id="no-number"),
        pytest.param(
            ["costs.eoi=2:1:1"],
            "--sweep 'costs.eoi=2:1:1' has no values. FROM is at most TO, and STEP is above 0.",
            id="downwards",
        ),
        pytest.param(["costs.eoi=1:2:0"], "has no values", id="no-progress"),
        pytest.param(
            ["costs.eoi=0:999999999999:0.000001"],
            "a sweep of 999999999999000001 cost profiles is too large. Take at most 1000.",
            id="long-range",
        ),
        pytest.param(
            ["costs.eoi=1:100:1", "costs.fault=1:11:1"],
            "a sweep of 1100 cost profiles is too large",
            id="many-combinations",
        ),
        pytest.param(
            ["costs.eoi=1", "costs.eoi=2"],
            "--sweep costs.eoi is given twice. List its values.",
            id="twice",
        ),
    ],
)
def test_a_sweep_that_cannot_be_run_is_refused(sweeps: list[str], sentence: str) -> None:
    """Before anything is computed."""
    with pytest.raises(UsageError) as error:
        texts_of(*sweeps)

    assert sentence in str(error.value)
