"""What a plugin can say about the text of a benchmark."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pvbench.benchmark_text import BenchmarkText, Measured, TestTime


@pytest.mark.parametrize("values", [(), (0.0,), (-1.0,), (math.inf,), (math.nan,)])
def test_a_time_is_a_number_above_zero(values: tuple[float, ...]) -> None:
    """An unknown time is left out."""
    with pytest.raises(ValueError, match=r"TestTime\.values .*above 0"):
        TestTime(workload="self", values=values)


@pytest.mark.parametrize(
    "fields", [{"workload": "Self IPI"}, {"workload": ""}, {"workload": "a", "series": "other"}]
)
def test_a_test_has_a_plain_name_and_a_series_of_pvbench(fields: dict[str, str]) -> None:
    """Expressions of -k and tables rely on it."""
    with pytest.raises(ValueError, match=r"workload|series"):
        TestTime(values=(1.0,), **fields)


def test_a_test_is_told_once() -> None:
    """Its runs are the values of one time."""
    time = TestTime(workload="self", values=(1.0,))

    with pytest.raises(ValueError, match=r"Measured\.times has self wall twice"):
        Measured(times=(time, time))


@pytest.mark.parametrize("fields", [{"unit": "ms"}, {"caveats": (1,)}])
def test_a_text_is_in_seconds_or_cycles_and_has_sentences(fields: dict[str, Any]) -> None:
    """pvbench prints both as they are."""
    with pytest.raises(ValueError, match=r"unit|caveats"):
        Measured(times=(), **fields)


def test_a_benchmark_has_a_title_and_functions() -> None:
    """A plugin that lacks them is broken when it is loaded."""
    fields: dict[str, Any] = {"name": "x", "summary": "x", "lines": len, "read": len}

    with pytest.raises(ValueError, match=r"BenchmarkText\.title"):
        BenchmarkText(title=None, **fields)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="callable"):
        BenchmarkText(title="x", **(fields | {"read": None}))
