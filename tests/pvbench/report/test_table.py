"""One way of printing a table, and of printing a time."""

from __future__ import annotations

import pytest

from pvbench.report import table

HEADERS = ("stack", "broadcast")
ROWS = [["x2apic-physical", "198 us"], ["kvm-pv", "76.9 us"]]


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
    assert table.seconds(value_s) == expected


def test_a_plain_table_aligns_text_left_and_numbers_right() -> None:
    """The first columns are text, as many as the caller says."""
    assert table.render(HEADERS, ROWS, left=1).splitlines() == [
        "stack              broadcast",
        "---------------  -----------",
        "x2apic-physical       198 us",
        "kvm-pv               76.9 us",
    ]


def test_a_markdown_table_can_be_pasted_into_a_commit() -> None:
    """GitHub's form, alignment included."""
    assert table.render(HEADERS, ROWS, "markdown", left=1).splitlines() == [
        "| stack           |   broadcast |",
        "|-----------------|-------------|",
        "| x2apic-physical |      198 us |",
        "| kvm-pv          |     76.9 us |",
    ]


def test_a_csv_table_quotes_what_needs_it() -> None:
    """RFC 4180, but for its line ends."""
    rows = [["a,b", 'say "hi"']]

    assert table.render(HEADERS, rows, "csv") == 'stack,broadcast\n"a,b","say ""hi"""'


def test_a_version_is_text_and_no_number() -> None:
    """``1.10`` must not become ``1.1``."""
    assert "1.10" in table.render(["version"], [["1.10"]])


@pytest.mark.parametrize("style", table.FORMATS)
def test_a_table_without_rows_still_has_its_headers(style: str) -> None:
    """Nothing found is an answer too."""
    assert "broadcast" in table.render(HEADERS, [], style)
