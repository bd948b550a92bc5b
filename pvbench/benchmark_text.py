"""
Texts of other benchmarks, which plugins read.

A number in such a text was measured by that benchmark.  pvbench shows it under the name of
the benchmark, and never ranks it with times of its own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from pvbench.slice_result import SERIES
from pvbench.validators import one_of, text, texts

SECONDS: Final = "s"
CYCLES: Final = "cycles"
_WORKLOAD: Final = r"[a-z0-9][a-z0-9_.:-]{0,79}"


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(map(float, values))


def _times(times: Iterable[TestTime]) -> tuple[TestTime, ...]:
    return tuple(times)


def _sentences(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(sentences)


def _positive(instance: Any, attribute: attrs.Attribute[Any], values: Sequence[float]) -> None:
    if not values or not all(math.isfinite(value) and value > 0 for value in values):
        raise ValueError(f"TestTime.{attribute.name} is {values!r}: each time is above 0")


@attrs.frozen(kw_only=True)
class TestTime:
    """
    The time of one test.

    Args:
        workload: the workload of pvbench that does the same, or another name.
        series: which time of a burst it is.
        values: the mean of a burst in each run of the test; an unknown time is left out.
    """

    __test__ = False  # pytest would collect it

    workload: str = attrs.field(validator=attrs.validators.matches_re(_WORKLOAD))
    series: str = attrs.field(default="wall", validator=one_of(*SERIES))
    values: tuple[float, ...] = attrs.field(converter=_floats, validator=_positive)

    @classmethod
    def of_tests(cls, values: Mapping[tuple[str, str], Iterable[float]]) -> list[TestTime]:
        """The times of tests, from their *values* by workload and series."""
        return [
            cls(workload=workload, series=series, values=each)
            for (workload, series), each in values.items()
        ]


@attrs.frozen(kw_only=True)
class Measured:
    """
    What a text of a benchmark says.

    Args:
        times: one for each test and series.
        unit: of all times; cycles if the text does not tell the rate of the counter.
        caveats: what the text does not tell, and how its tests differ from pvbench's.
    """

    times: tuple[TestTime, ...] = attrs.field(converter=_times)
    unit: str = attrs.field(default=SECONDS, validator=one_of(SECONDS, CYCLES))
    caveats: tuple[str, ...] = attrs.field(
        default=(), converter=_sentences, validator=texts("each is a sentence")
    )

    @times.validator
    def _check_times(self, _: Any, times: tuple[TestTime, ...]) -> None:
        tests = Counter((time.workload, time.series) for time in times)
        if twice := next((test for test, count in tests.items() if count > 1), None):
            raise ValueError(f"Measured.times has {' '.join(twice)} twice")


@attrs.frozen(kw_only=True)
class BenchmarkText:
    """
    The text of one benchmark.

    Args:
        name: unique, lower case with dashes.
        title: the benchmark, as in "measured by TITLE".
        summary: one line for `pvbench list benchmarks`.
        lines: how many lines of a text are of its form; 0 for a text of another kind.
        read: what a text says.
    """

    name: str
    title: str = attrs.field(validator=text("the name of the benchmark"))
    summary: str
    lines: Callable[[str], int] = attrs.field(validator=attrs.validators.is_callable())
    read: Callable[[str], Measured] = attrs.field(validator=attrs.validators.is_callable())
