"""Times and parts as text for people."""

from __future__ import annotations

import pytest

from pvbench.report import quantities
from support.runs import row_of


@pytest.mark.parametrize(
    ("value_s", "expected"),
    [
        pytest.param(2.51e-6, "2.51 us", id="one-digit-before-the-point"),
        pytest.param(92.82e-6, "92.8 us", id="two-digits"),
        pytest.param(198.4e-6, "198 us", id="three-digits"),
        pytest.param(24e-9, "24.0 ns", id="nanoseconds"),
        pytest.param(1.5e-3, "1.50 ms", id="milliseconds"),
        pytest.param(12.3456, "12.3 s", id="seconds"),
        pytest.param(12_345.6, "12346 s", id="hours-stay-seconds"),
        pytest.param(500e-12, "500 ps", id="below-a-nanosecond"),
        pytest.param(0.0, "0 ps", id="nothing"),
        pytest.param(999.4e-9, "999 ns", id="just-below-the-next-unit"),
        pytest.param(999.6e-9, "1.00 us", id="rounds-into-the-next-unit"),
        pytest.param(9.994e-6, "9.99 us", id="just-below-two-digits"),
        pytest.param(9.996e-6, "10.0 us", id="rounds-to-two-digits"),
        pytest.param(99.94e-6, "99.9 us", id="just-below-three-digits"),
        pytest.param(99.96e-6, "100 us", id="rounds-to-three-digits"),
    ],
)
def test_a_time_has_three_significant_digits_and_a_unit(value_s: float, expected: str) -> None:
    """More digits would claim more than a reader can use."""
    assert quantities.seconds(value_s) == expected


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        pytest.param(1.9812e6, "1.98 M/s", id="millions"),
        pytest.param(45_678.0, "45.7 k/s", id="thousands"),
        pytest.param(12.0, "12.0 /s", id="a-few"),
        pytest.param(999.6, "1.00 k/s", id="rounds-into-the-next-unit"),
        pytest.param(2e9, "2.00 G/s", id="thousand-millions"),
        pytest.param(0.5, "0.50 /s", id="less-than-one"),
    ],
)
def test_a_rate_has_three_significant_digits_and_a_unit(rate: float, expected: str) -> None:
    """It is per second."""
    assert quantities.per_second(rate) == expected


@pytest.mark.parametrize(("series", "expected"), [("rate", "2.00 M/s"), ("makespan", "500 ns")])
def test_a_rate_is_stored_as_the_time_for_each_ipi(series: str, expected: str) -> None:
    """A report shows its inverse."""
    row = row_of("pairs:2", "x2apic-physical", 500e-9, series=series)

    assert quantities.time_of(row) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        pytest.param(0.468, "53.2 % less", id="less"),
        pytest.param(1.0, "0.0 %", id="the-same"),
        pytest.param(1.0003, "0.0 %", id="the-same-when-rounded"),
        pytest.param(1.044, "4.4 % more", id="more"),
        pytest.param(1.999, "99.9 % more", id="almost-twice"),
        pytest.param(2.138, "114 % more", id="more-than-twice"),
        pytest.param(0.0004, "100 % less", id="nearly-nothing"),
        pytest.param(31.4, "3040 % more", id="many-times"),
    ],
)
def test_a_change_of_time_is_a_percentage(ratio: float, expected: str) -> None:
    """It says more or less, because a reduction by -113.8 % would be hard to read."""
    assert quantities.change_of_time(ratio) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        pytest.param(0.468, "shorter by 53.2 %", id="shorter"),
        pytest.param(1.0, "0.00 %", id="the-same"),
        pytest.param(1.00004, "0.00 %", id="nearly-the-same"),
        pytest.param(0.9985, "shorter by 0.15 %", id="little"),
        pytest.param(1.00994, "longer by 0.99 %", id="less-than-one-percent"),
        pytest.param(1.00996, "longer by 1.0 %", id="one-percent"),
        pytest.param(1.101, "longer by 10.1 %", id="longer"),
        pytest.param(2.138, "longer by 114 %", id="more-than-twice"),
    ],
)
def test_a_path_is_longer_or_shorter_by_a_percentage(ratio: float, expected: str) -> None:
    """Small changes have one more decimal, because verdicts depend on tenths of a percent."""
    assert quantities.change_of_length(ratio) == expected


@pytest.mark.parametrize(
    ("name", "word"), [("median", "median"), ("p99", "p99"), ("max", "maximum")]
)
def test_a_statistic_is_written_out_where_its_option_is_short(name: str, word: str) -> None:
    """``--statistic max`` is the maximum."""
    assert quantities.statistic(name) == word
