"""The differences that are equivalent on a noisy clock, for each case."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from pvbench.errors import UsageError
from pvbench.keywords import Keywords

USUAL_PERCENT: Final = 2.0


@attrs.frozen
class Margin:
    """
    A margin, in percent of the time.

    Args:
        expression: the cases it holds for, an expression as that of ``-k``; a blank one is
            for all cases that no other margin names.

    Raises:
        UsageError: the expression is malformed, or the margin is not from 0 to 100 %.
    """

    percent: float
    expression: str = ""
    keywords: Keywords = attrs.field(init=False, eq=False, repr=False)

    @keywords.default
    def _parsed(self) -> Keywords:
        return Keywords.parsed(self.expression, "--margin")

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.percent < 100:
            raise UsageError(f"--margin {self.percent:g} is not in 0..100 percent")

    @property
    def text(self) -> str:
        """The margin in words."""
        cases = f" for cases that match {self.expression!r}" if self.expression else ""
        return f"{self.percent:g} %{cases}"


@attrs.frozen
class Margins:
    """
    The margins of a comparison.

    Args:
        given: as the user gave them.  Of those that name a case the first one counts;
            of those that name none, the last.
    """

    given: Sequence[Margin] = ()

    @property
    def usual(self) -> Margin:
        """The margin of the cases that no other margin names."""
        return next((one for one in reversed(self.given) if not one.expression), _USUAL)

    @property
    def named(self) -> list[Margin]:
        """The margins that name cases."""
        return [one for one in self.given if one.expression]

    def of(self, name: str) -> float:
        """The margin of the case called *name*; 0.02 is 2 %."""
        matching = (one for one in self.named if one.keywords.matches(name))
        return next(matching, self.usual).percent / 100

    def unused(self, names: Iterable[str]) -> list[Margin]:
        """The margins that name cases, but none of *names*."""
        cases = list(names)
        return [one for one in self.named if not any(map(one.keywords.matches, cases))]

    @property
    def text(self) -> str:
        """All margins in words, the usual one first."""
        named = ", ".join(one.text for one in self.named)
        return f"{self.usual.text} ({named})" if named else self.usual.text


_USUAL: Final = Margin(USUAL_PERCENT)


def check_limit(percent: float | None) -> None:
    """
    Refuse a --fail-above that cannot be a limit.

    Raises:
        UsageError: it is negative or not finite.
    """
    if percent is not None and not (math.isfinite(percent) and percent >= 0):
        raise UsageError(f"--fail-above {percent:g} is not a percentage of 0 or more")
