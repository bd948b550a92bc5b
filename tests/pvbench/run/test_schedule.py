"""The order in which the cases of a boot take turns."""

from __future__ import annotations

from collections import Counter
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.run.schedule import adjacent, order, turns

SEEDS = st.integers(0, 2**32)
BOOTS = st.integers(1, 10_000)


@given(SEEDS, BOOTS, st.integers(0, 50))
def test_every_case_has_one_place_in_the_order(seed: int, boot: int, cases: int) -> None:
    """No case is dropped or repeated."""
    assert sorted(order(seed, boot, cases)) == list(range(cases))


def test_the_order_of_a_boot_is_the_same_on_every_machine_and_day() -> None:
    """A resumed run has the order that the interrupted run would have had."""
    assert [order(7, boot, 4) for boot in (1, 2, 3)] == [
        (0, 1, 2, 3),
        (2, 1, 3, 0),
        (2, 0, 3, 1),
    ]


def test_seed_and_number_of_a_boot_are_not_mixed_up() -> None:
    """Seed 1, boot 11 and seed 11, boot 1 have different orders, at least among 20 cases."""
    assert order(1, 11, 20) != order(11, 1, 20)


def test_every_case_is_equally_often_the_first_one() -> None:
    """Of 3 000 boots each of three cases begins about 1 000; the bound is at 5 sigma."""
    first = Counter(order(0, boot, 3)[0] for boot in range(1, 3_001))

    assert sum(first.values()) == 3_000
    assert max(abs(number - 1_000) for number in first.values()) < 5 * 26


def test_cases_take_turns_forwards_and_backwards() -> None:
    """A B B A, for as many slices as there are."""
    assert turns((1, 0, 2), 3) == (1, 0, 2, 2, 0, 1, 1, 0, 2)


def slices_of(cases: int, slices: int, drift: float) -> list[float]:
    """The median of the slices of each case, whose times grow by *drift* in a boot."""
    schedule = turns(order(0, 1, cases), slices)
    times: dict[int, list[float]] = {}
    for number, case in enumerate(schedule):
        times.setdefault(case, []).append(1 + drift * number / len(schedule))
    return [median(times[case]) for case in range(cases)]


@given(st.integers(1, 12), st.integers(1, 6), st.floats(-0.5, 0.5))
def test_a_ramp_inside_a_boot_favours_no_case(cases: int, pairs: int, drift: float) -> None:
    """The number of slices is even, so each case has the median of the whole boot."""
    medians = slices_of(cases, 2 * pairs, drift)

    assert medians == pytest.approx([medians[0]] * cases, rel=1e-12)


def test_a_ramp_favours_the_first_case_if_the_number_of_slices_is_odd() -> None:
    """This is why it is even: two cases with three slices differ by a sixth of the ramp."""
    medians = sorted(slices_of(2, 3, 0.06))

    assert medians[1] - medians[0] == pytest.approx(0.01)


def test_cases_of_a_group_follow_the_first_of_them() -> None:
    """Their order in the group and the order of the groups are those that were drawn."""
    assert adjacent((3, 0, 2, 1), ["a", "b", "a", "b"]) == (3, 1, 0, 2)
