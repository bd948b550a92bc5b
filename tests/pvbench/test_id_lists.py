"""Lists of numbers as a user writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.errors import UsageError
from pvbench.id_lists import parsed, written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("7", (7,), id="one"),
        pytest.param("0x80,1", (128, 1), id="hex-in-that-order"),
        pytest.param("0-3", (0, 1, 2, 3), id="range"),
        pytest.param("0x0e-0x11", (14, 15, 16, 17), id="range-in-hex"),
        pytest.param("0-6/2", (0, 2, 4, 6), id="the-step-meets-the-end"),
        pytest.param("0-7/2", (0, 2, 4, 6), id="the-step-does-not-meet-the-end"),
        pytest.param("6-0/3", (6, 3, 0), id="descending"),
        pytest.param("010", (10,), id="a-zero-before-a-number-is-no-octal"),
    ],
)
def test_numbers_and_ranges_are_read(text: str, expected: tuple[int, ...]) -> None:
    """Both ends of a range are in it."""
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("0x", "'0x' is not an APIC ID", id="no-digits"),
        pytest.param("1/2", "'1/2' is not an APIC ID", id="a-step-without-a-range"),
        pytest.param("1-2/0", "'1-2/0' has a step of 0", id="step-0"),
        pytest.param("0-65536", "has more than 65536 of them", id="too-many"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    """The sentence names the part."""
    with pytest.raises(UsageError, match=message):
        parsed(text)


def test_a_message_names_the_kind_of_the_numbers() -> None:
    """Not every list is one of APIC IDs."""
    with pytest.raises(UsageError, match="'x' is not a CPU number"):
        parsed("x", "CPU number")


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param((), "", id="none"),
        pytest.param((0, 1, 2, 9), "0-2,9", id="range"),
        pytest.param((0, 2, 4, 6, 7), "0-6/2,7", id="steps"),
        pytest.param((5, 3, 1), "5-1/2", id="descending"),
        pytest.param((0, 4, 1, 5), "0,4,1,5", id="two-with-a-step-are-no-range"),
        pytest.param((3, 2), "3-2", id="two-neighbours"),
        pytest.param((7, 7), "7,7", id="equal"),
    ],
)
def test_numbers_are_written_as_ranges(numbers: tuple[int, ...], expected: str) -> None:
    """A list of a guest stays readable."""
    assert written(numbers) == expected


@given(st.lists(st.integers(0, 300)))
def test_what_is_written_is_read_again(numbers: list[int]) -> None:
    """The order and repeated numbers are kept."""
    if numbers:
        assert parsed(written(tuple(numbers))) == tuple(numbers)
