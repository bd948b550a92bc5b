"""Margins: what counts as equivalent, for each case."""

from __future__ import annotations

import pytest

from pvbench.compare.margin import Margin, Margins
from pvbench.errors import UsageError

CASE = "norov.broadcast kvm-pv/x2apic-physical dense:1024w halted"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param((), 0.02, id="none"),
        pytest.param((Margin(5),), 0.05, id="of-all"),
        pytest.param((Margin(5), Margin(1)), 0.01, id="the-last-one-of-all"),
        pytest.param((Margin(5, "*1024w*"),), 0.05, id="glob"),
        pytest.param((Margin(5, "broadcast and not lock"),), 0.05, id="words"),
        pytest.param((Margin(5, "self-ipi"),), 0.02, id="of-another-case"),
        pytest.param((Margin(3), Margin(5, "broadcast")), 0.05, id="named-before-all"),
        pytest.param((Margin(5, "broadcast"), Margin(9, "halted")), 0.05, id="the-first-one"),
    ],
)
def test_the_first_margin_that_names_a_case_counts(
    given: tuple[Margin, ...], expected: float
) -> None:
    """Otherwise the last one that names none."""
    assert Margins(given).of(CASE) == expected


@pytest.mark.parametrize("percent", [100, -1, float("nan")])
def test_a_margin_is_a_part_of_the_time(percent: float) -> None:
    """A speed ratio cannot be 100 % below 1."""
    with pytest.raises(UsageError, match=f"--margin {percent:g} is not in 0..100 percent"):
        Margin(percent)


def test_an_expression_that_cannot_be_read_is_refused() -> None:
    """Before a file is read."""
    with pytest.raises(UsageError, match=r"^--margin 'a and' cannot be read"):
        Margin(5, "a and")


def test_margins_that_name_no_case_are_found() -> None:
    """The usual one is for all cases, so it is never unused."""
    margins = Margins((Margin(3), Margin(5, "*1024w*"), Margin(9, "nosuch")))

    assert margins.unused([CASE]) == [Margin(9, "nosuch")]
    assert margins.unused([]) == [Margin(5, "*1024w*"), Margin(9, "nosuch")]


def test_margins_are_written_with_the_cases_they_are_for() -> None:
    """The usual margin comes first."""
    named = (Margin(5, "*1024w*"), Margin(9, "lock"))

    assert Margins().text == "2 %"
    assert Margins(named).text == (
        "2 % (5 % for cases that match '*1024w*', 9 % for cases that match 'lock')"
    )
