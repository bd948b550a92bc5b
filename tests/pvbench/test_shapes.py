"""JSON and TOML from untrusted files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench import shapes
from pvbench.shapes import json_value, toml_value

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_any_json_value_of_usual_depth_is_read(value: Any) -> None:
    """The limits refuse nothing that a program would write."""
    text = json.dumps(value).replace("Infinity", "1e999")

    assert json_value(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("[" * 51 + "]" * 51, "nested more than 50 times", id="one-too-deep"),
        pytest.param('{"a":' * 51 + "0" + "}" * 51, "nested more than 50", id="objects"),
        pytest.param("[" * 100_000 + "]" * 100_000, "nested more than 50", id="very-deep"),
        pytest.param("9" * 4301, "an integer of more than 4300 digits", id="digits"),
        pytest.param(
            '{"a": -Infinity}', "it has -Infinity, which JSON does not have", id="infinity"
        ),
        pytest.param("[NaN]", "it has NaN, which JSON does not have", id="nan"),
        pytest.param("[0, ]", "Expecting value", id="no-json"),
        pytest.param("", "Expecting value", id="empty"),
    ],
)
def test_a_json_text_that_cannot_be_trusted_is_refused(text: str, why: str) -> None:
    """It is a ValueError, whatever is wrong."""
    with pytest.raises(ValueError, match=why):
        json_value(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("9" * 4300, 10**4300 - 1, id="4300-digits"),
        pytest.param('{"a": 1, "a": 2}', {"a": 2}, id="of-two-equal-names-the-last-one-counts"),
    ],
)
def test_a_json_text_within_the_limits_is_read(text: str, value: Any) -> None:
    """Each limit is the largest that is allowed."""
    assert json_value(text) == value


def test_fifty_lists_in_each_other_are_read() -> None:
    """The content of the last one does not count."""
    value = json_value("[" * 50 + "0" + "]" * 50)
    for _ in range(50):
        (value,) = value

    assert value == 0


def test_a_json_text_of_too_many_values_is_refused_before_it_is_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three bytes of text can make a list, which takes a hundred bytes of memory."""
    monkeypatch.setattr(shapes, "MOST_VALUES", 5)

    assert json_value("[[], [], 0]") == [[], [], 0]
    with pytest.raises(ValueError, match="it has more than 5 values"):
        json_value("[[], [], {}")


def test_an_object_counts_as_four_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the memory of four."""
    monkeypatch.setattr(shapes, "MOST_VALUES", 9)

    assert json_value("[{}, [], 0]") == [{}, [], 0]
    with pytest.raises(ValueError, match="it has more than 9 values"):
        json_value("[{}, {}, 0]")


def test_a_caller_may_accept_the_constants_of_python_s_own_texts() -> None:
    """A result file says later in which series a time is not finite."""
    assert json_value("[Infinity]", float) == [float("inf")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"a = \xe9", "'utf-8' codec can't decode", id="latin-1"),
        pytest.param(b"a = ", "Invalid value", id="no-toml"),
        pytest.param(b"a = " + b"9" * 5000, r"Exceeds the limit \(4300 digits\)", id="digits"),
        pytest.param(b"a = " + b"[" * 9000, "nested more than 50 times", id="endless-depth"),
        pytest.param(b"a = " + b"[" * 50 + b"]" * 50, "nested more than 50", id="deep"),
        pytest.param(b"[" + b"a." * 50 + b"a]", "nested more than 50 times", id="deep-table"),
    ],
)
def test_a_toml_file_that_cannot_be_trusted_is_refused(content: bytes, why: str) -> None:
    """It is a ValueError, whatever is wrong."""
    with pytest.raises(ValueError, match=why):
        toml_value(content)


@given(st.text(alphabet="a=[]{}.\"'\n 1#,", max_size=40))
def test_any_text_is_toml_or_a_value_error(text: str) -> None:
    """No other exception occurs."""
    try:
        tables = toml_value(text.encode())
    except ValueError:
        return
    assert isinstance(tables, dict)
