"""Sweeps: cost profiles that are derived from one by setting some of its numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import Final

import attrs

from pvbench.errors import UsageError
from pvbench.results.swept import NUMBER, text_of

_MOST_POINTS: Final = 1_000
_RANGE: Final = re.compile(f"({NUMBER}):({NUMBER}):({NUMBER})")
_LIST: Final = re.compile(f"{NUMBER}(?:,{NUMBER})*")
_FIX: Final = "Write costs.NAME=FROM:TO:STEP or costs.NAME=A,B,C."


@attrs.frozen
class Sweep:
    """The values that one number of a cost profile takes in turn."""

    name: str
    values: tuple[Decimal, ...]


@attrs.frozen
class Point:
    """
    One value for each number that is swept; a run without a sweep has a point without any.

    Args:
        values: by the name of the number.
    """

    values: Mapping[str, Decimal] = attrs.field(factory=dict)

    @property
    def numbers(self) -> dict[str, float]:
        """The values as a delivery takes them."""
        return {name: float(value) for name, value in self.values.items()}

    def __str__(self) -> str:
        return text_of(self.values)


def parsed(text: str) -> Sweep:
    """
    The sweep ``NAME=FROM:TO:STEP``, with TO if a step reaches it, or ``NAME=A,B,C``.

    Raises:
        UsageError: it is malformed or has too many values.
    """
    name, _, numbers = text.partition("=")
    if name and (bounds := _RANGE.fullmatch(numbers)):
        return Sweep(name, tuple(_stepped(text, *map(Decimal, bounds.groups()))))
    if name and _LIST.fullmatch(numbers):
        return Sweep(name, tuple(map(_plain, map(Decimal, numbers.split(",")))))
    raise UsageError(f"--sweep {text!r} is not a sweep", why=_why_none(name, numbers), fix=_FIX)


def _why_none(name: str, numbers: str) -> str:
    """Why ``NAME=NUMBERS`` is not a sweep."""
    if not name or not numbers:
        return "it has no value" if name else "it has no name"
    values = re.split("[:,]", numbers)
    wrong = [value for value in values if not re.fullmatch(NUMBER, value)]
    if wrong:
        return f"{wrong[0]!r} has not the form 1000 or 0.5, without sign or exponent"
    return "it is neither a range, with two colons, nor a list"


def points(sweeps: Sequence[Sweep]) -> tuple[Point, ...]:
    """
    Every combination of the values of *sweeps*, each once.

    Raises:
        UsageError: there are too many, or a number is swept twice.
    """
    names = [sweep.name for sweep in sweeps]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"--sweep {repeated[0]} is given twice", fix="List its values.")
    values = [dict.fromkeys(sweep.values) for sweep in sweeps]
    _check_number(math.prod(map(len, values)))
    return tuple(Point(dict(zip(names, one, strict=True))) for one in product(*values))


def _stepped(text: str, first: Decimal, last: Decimal, step: Decimal) -> Iterator[Decimal]:
    if not step or last < first:
        what = f"--sweep {text!r} has no values"
        raise UsageError(what, fix="FROM is at most TO, and STEP is above 0.")
    count = int((last - first) / step) + 1
    _check_number(count)
    return (_plain(first + number * step) for number in range(count))


def _plain(value: Decimal) -> Decimal:
    """*value* without zeros at its end, so that equal values have one text."""
    return value.normalize()


def _check_number(count: int) -> None:
    if count > _MOST_POINTS:
        raise UsageError(
            f"a sweep of {count} cost profiles is too large",
            fix=f"Take at most {_MOST_POINTS}.",
        )
