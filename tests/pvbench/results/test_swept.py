"""The text of the costs that a sweep set."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.results.swept import text_of, values_of

NAMES = st.from_regex(r"(costs|ratios)\.[a-z_]{1,9}", fullmatch=True)
VALUES = st.decimals(0, 10**9, places=3).map(Decimal.normalize)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_the_values_come_back_from_their_text(values: dict[str, Decimal]) -> None:
    """As numbers."""
    assert values_of(text_of(values)) == {name: float(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        pytest.param("", {}, id="no-sweep"),
        pytest.param("costs.eoi=20", {"costs.eoi": 20}, id="whole"),
        pytest.param("costs.eoi", {"costs.eoi": ""}, id="no-value"),
        pytest.param("a=1e999 b=nan", {"a": "1e999", "b": "nan"}, id="no-numbers"),
    ],
)
def test_a_text_from_any_file_can_be_read(text: str, values: dict[str, object]) -> None:
    """What is no number stays a text."""
    assert values_of(text) == values
    assert [type(value) for value in values_of(text).values()] == list(
        map(type, values.values())
    )
