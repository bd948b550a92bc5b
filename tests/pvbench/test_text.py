"""Small pieces of text that messages and reports share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench import text


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_text_moves_the_cursor_of_a_terminal(raw: str) -> None:
    """Text of a file or a plugin becomes one line of visible characters."""
    expected = text.printable(raw)

    assert expected.isprintable()


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S"))))
def test_visible_characters_are_printed_unchanged(raw: str) -> None:
    """Names in any script stay readable."""
    assert text.printable(raw) == raw


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("\x1b[2J", "\\x1b[2J", id="an-escape"),
        pytest.param("\x9b2J", "\\x9b2J", id="an-escape-in-one-character"),
        pytest.param("a\u202eb", "a\\u202eb", id="a-mark-that-turns-the-direction"),
        pytest.param("\udc80", "\\udc80", id="a-byte-that-is-no-text"),
        pytest.param("one\r\n\ttwo", "one   two", id="blanks"),
        pytest.param("a\u2028b\xa0c", "a b c", id="blanks-of-unicode"),
        pytest.param("a\x1cb\x85c", "a\\x1cb\\x85c", id="separators-that-are-controls"),
    ],
)
def test_invisible_characters_are_escaped(raw: str, expected: str) -> None:
    """Blanks become spaces: a message is one line."""
    assert text.printable(raw) == expected


@pytest.mark.parametrize(
    ("names", "noun", "expected"),
    [
        pytest.param("", "", "", id="none"),
        pytest.param("a", "", "a", id="one"),
        pytest.param("ab", "", "a, b", id="as-many-as-fit"),
        pytest.param("abc", "", "a, b and 1 more", id="one-more"),
        pytest.param("abc", "case", "a, b and 1 more case", id="one-more-case"),
        pytest.param("abcd", "case", "a, b and 2 more cases", id="two-more-cases"),
    ],
)
def test_a_long_list_is_shortened_to_its_first_names(
    names: str, noun: str, expected: str
) -> None:
    """The number of the others follows."""
    assert text.shortened_list(names, 2, noun) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0 boots"), (1, "1 boot"), (2, "2 boots")], ids=str
)
def test_a_number_has_its_noun_in_the_right_form(count: int, expected: str) -> None:
    """Only the noun of one is singular."""
    assert text.counted(count, "boot") == expected


def test_a_hash_is_shown_by_its_first_digits() -> None:
    """Only what is one: 64 digits, and nothing that is longer or of another alphabet."""
    digits, longer, other = "1e95a277" + 56 * "0", 65 * "0", 64 * "g"

    assert text.short_hashes(f"a {digits}, {longer} {other}") == f"a 1e95a277, {longer} {other}"


@given(st.text(min_size=1), st.integers(8, 60))
def test_a_short_name_keeps_its_ends(name: str, width: int) -> None:
    """A name that fits is not touched."""
    short_name = text.shortened(name, width)
    ends = (width - 3) // 2

    if len(name) <= width:
        assert short_name == name
    else:
        assert (len(short_name), short_name.count("...") > 0) == (width, True)
        assert (short_name[:ends], short_name[-ends:]) == (name[:ends], name[-ends:])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param([], "", id="none"),
        pytest.param(["a"], "a", id="one"),
        pytest.param(["a", "b"], "a and b", id="two"),
        pytest.param(["a", "b", "c"], "a, b and c", id="three"),
    ],
)
def test_a_list_in_a_sentence_ends_with_and(names: list[str], expected: str) -> None:
    """No name is left out."""
    assert text.listed(names) == expected
