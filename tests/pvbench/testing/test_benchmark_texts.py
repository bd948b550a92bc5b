"""The check for authors of texts of benchmarks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from pvbench.benchmark_text import BenchmarkText, Measured, TestTime
from pvbench.testing.benchmark_texts import check_benchmark_text

CALLS = itertools.count(1)


def benchmark(**fields: Any) -> BenchmarkText:
    """One that reads any number of seconds from lines that begin with "time"."""
    usual: dict[str, Any] = {
        "name": "mine",
        "title": "mine",
        "summary": "mine",
        "lines": lambda text: text.count("time"),
        "read": reading(2e-6),
    }
    return BenchmarkText(**(usual | fields))


def reading(value: float) -> Callable[[str], Measured]:
    """A function that reads one time from any text."""
    return lambda text: Measured(times=[TestTime(workload="self", values=[value])])


def changing(text: str) -> Measured:
    """Another time at each call."""
    return reading(next(CALLS))(text)


def test_a_text_that_is_read_right_passes() -> None:
    """The times are those that the author expects."""
    check_benchmark_text(benchmark(), "time 2 us\n", {("self", "wall"): 2e-6})


@pytest.mark.parametrize(
    ("fields", "times", "message"),
    [
        ({"lines": lambda text: 0}, {}, "does not know the text"),
        ({"lines": lambda text: 1}, {}, "claims to know any text"),
        ({"read": changing}, {}, "two calls read different times"),
        ({}, {("self", "wall"): 3e-6}, "self wall is 2e-06, not 3e-06"),
        ({}, {}, "it also reads self wall"),
        ({"name": "Mine"}, {}, "the loader refuses it"),
        ({"read": lambda text: 1 / 0}, {}, "ZeroDivisionError"),
    ],
)
def test_a_fault_is_named(
    fields: dict[str, Any], times: dict[tuple[str, str], float], message: str
) -> None:
    """The author reads what is wrong."""
    with pytest.raises(AssertionError, match=message):
        check_benchmark_text(benchmark(**fields), "time 2 us\n", times)
