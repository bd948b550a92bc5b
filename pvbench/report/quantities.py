"""Times, parts and statistics as text for people."""

from __future__ import annotations

from typing import Final

from pvbench.benchmark_text import SECONDS
from pvbench.document import Cell
from pvbench.results.rows import Row

_WORDS: Final = {"min": "minimum", "max": "maximum"}
_PREFIXES: Final = (("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0))
_UNITS: Final = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))


def seconds(value: float) -> str:
    """Write a time with three significant digits and a unit: ``2.51 us``."""
    for unit, scale in _UNITS:
        if value >= scale * 0.9995:
            return f"{_three_digits(value / scale)} {unit}"
    return f"{value * 1e12:.0f} ps"


def per_second(rate: float) -> str:
    """Write a rate with three significant digits: ``1.98 M/s``."""
    prefix, scale = next((p for p in _PREFIXES if rate >= p[1] * 0.9995), _PREFIXES[-1])
    return f"{_three_digits(rate / scale)} {prefix}/s"


def _three_digits(number: float) -> str:
    integer_digits = len(str(int(float(f"{number:.3g}"))))
    return f"{number:.{max(3 - integer_digits, 0)}f}"


def time_of(row: Row) -> str:
    """The time of *row*, in cycles if it has no seconds; of a rate the IPIs per second."""
    if row.is_rate:
        return per_second(1 / row.value_s)
    return (
        seconds(row.value_s)
        if row.time_unit == SECONDS
        else f"{row.value_s:.6g} {row.time_unit}"
    )


def seconds_of(row: Row) -> float | None:
    """The time of *row* in seconds; None if it is in cycles."""
    return row.value_s if row.time_unit == SECONDS else None


def time_cell(row: Row, text: str = "") -> Cell:
    """The time of *row* as a value, with a *text* or that of `time_of`."""
    return Cell(seconds_of(row), text or time_of(row))


def change_of_time(ratio: float) -> str:
    """Write a change of time by *ratio*: ``53.2 % less``, ``114 % more``."""
    part = _percent(100 * abs(ratio - 1), 1)
    return part if part == "0.0 %" else f"{part} {'less' if ratio < 1 else 'more'}"


def change_of_length(ratio: float) -> str:
    """
    Write a change of path length by *ratio*: ``shorter by 53.2 %``, ``longer by 0.31 %``.

    Changes below 1 % have two decimals, because verdicts depend on tenths of a percent.
    """
    percent = 100 * abs(ratio - 1)
    text = _percent(percent, 2 if percent < 0.995 else 1)
    return text if text == "0.00 %" else f"{'shorter' if ratio < 1 else 'longer'} by {text}"


def _percent(percent: float, digits: int) -> str:
    """A percentage with so many *digits* after the point, from 100 % on with none."""
    return f"{percent:.{digits if percent < 99.95 else 0}f} %"


def statistic(name: str) -> str:
    """The word for a statistic: ``median``, ``p99``, ``maximum``."""
    return _WORDS.get(name, name)
