"""Pairs: ratios, verdicts of exact clocks and counts."""

from __future__ import annotations

import attrs
import pytest

from pvbench.compare.judging import judged
from pvbench.compare.margin import Margins
from pvbench.compare.pairs import Pair
from pvbench.results.rows import Row
from support.runs import row_of

PHYSICAL = "x2apic-physical"
FACTS = {"clock": "tsc", "exactness": "noisy"}
BEFORE = row_of("broadcast", PHYSICAL, 200e-6)


def pair(after: Row, before: Row = BEFORE) -> Pair:
    """A pair of *before* and *after*."""
    return Pair(baseline="old", side="new", before=before, after=after)


def test_a_speed_ratio_of_two_and_a_half_is_a_time_reduction_of_60_percent() -> None:
    """The published 154 % were a speed ratio, not time saved: the two are kept apart."""
    result = pair(row_of("broadcast", PHYSICAL, 80e-6))

    assert (result.speed_ratio, result.time_reduction) == pytest.approx((2.5, 0.6))


def test_taking_twice_as_long_reduces_time_by_minus_100_percent() -> None:
    """The speed ratio is one half."""
    result = pair(row_of("broadcast", PHYSICAL, 400e-6))

    assert (result.speed_ratio, result.time_reduction) == pytest.approx((0.5, -1.0))


@pytest.mark.parametrize(
    ("after_s", "expected"),
    [
        pytest.param(199.999999e-6, "faster", id="by-a-picosecond"),
        pytest.param(200e-6, "equal", id="to-the-last-bit"),
        pytest.param(200.000001e-6, "slower", id="longer-by-one"),
    ],
)
def test_an_exact_clock_is_compared_exactly(after_s: float, expected: str) -> None:
    """Times of the model repeat exactly, so any difference is a change."""
    assert pair(row_of("broadcast", PHYSICAL, after_s)).verdict == expected


def test_the_ratio_of_a_noisy_clock_lies_in_the_interval_of_its_verdict() -> None:
    """One outlier moves the mean of the boots and not their median."""
    boots = (1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 3e-6)
    sides = (row_of("broadcast", PHYSICAL, *boots), row_of("broadcast", PHYSICAL, *(1e-6,) * 6))
    before, after = (
        attrs.evolve(side, boots=(1, 2, 3, 4, 5, 6), file="a.json", facts=side.facts | FACTS)
        for side in sides
    )
    (result,) = judged([pair(after, before)], Margins(), lambda *_: None)
    verdict = result.judged

    assert verdict
    assert (verdict.low or 0) <= result.speed_ratio <= (verdict.high or 0)
    assert result.speed_ratio == pytest.approx(3 ** (1 / 6))
    assert result.time_reduction == pytest.approx(1 - 3 ** (-1 / 6))


def test_one_boot_on_a_noisy_clock_has_no_verdict() -> None:
    """A difference of real times means nothing without their noise."""
    before = row_of("broadcast", PHYSICAL, 200e-6, clock="tsc")
    after = row_of("broadcast", PHYSICAL, 100e-6, clock="tsc")

    assert pair(after, before).verdict == ""


@pytest.mark.parametrize(
    ("after", "boots", "is_judged"),
    [
        pytest.param("published", 1, False, id="single-value"),
        pytest.param("published", 2, True, id="published-boots"),
        pytest.param("local", 1, True, id="one-boot-of-ours"),
    ],
)
def test_a_single_published_value_gets_no_verdict(
    after: str, boots: int, is_judged: bool
) -> None:
    """Its noise is unknown, and it cannot be measured again."""
    before = row_of("broadcast", PHYSICAL, 200e-6, clock="tsc")
    other = row_of("broadcast", PHYSICAL, *boots * [1e-6], clock="tsc", site=after)
    (result,) = judged([pair(other, before)], Margins(), lambda before, after: None)

    assert bool(result.verdict) is is_judged


def test_the_value_of_a_row_is_the_median_of_its_boots() -> None:
    """The boot is the unit of replication; a mean would follow one bad boot."""
    assert row_of("broadcast", PHYSICAL, 1e-6, 9e-6, 2e-6).value_s == 2e-6


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param({}, "79w", id="equal"),
        pytest.param({"icr_writes": 5.0}, "79w -> 5w", id="fewer-writes"),
        pytest.param(
            {"icr_writes": 0.0, "hypercalls": 1.0}, "79w -> 1h", id="hypercall-instead"
        ),
        pytest.param({"icr_writes": 0.0}, "79w -> 0", id="nothing-sent"),
        pytest.param({"lost": 32}, "79w -> 79w 32 lost", id="loss"),
        pytest.param({"icr_writes": 2.5}, "79w -> 2.5w", id="a-mean-of-loops"),
        pytest.param({"icr_writes": None, "hypercalls": None}, "79w -> unknown", id="not-told"),
    ],
)
def test_counts_are_compared_by_equality(
    counts: dict[str, float | None], expected: str
) -> None:
    """Counts of one iteration are exact: w is ICR writes, h hypercalls."""
    assert pair(row_of("broadcast", PHYSICAL, 1e-6, **counts)).counts == expected
