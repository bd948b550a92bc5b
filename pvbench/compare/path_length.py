"""
Verdicts on near-exact clocks, whose times are path lengths: instructions that were executed.

Boots of a run start at different times, and their path lengths differ a little.  Boots of
the same number start at the same time in every run, so they are compared with each other;
those of one kernel are normally equal.  Those of two kernels differ by as much as boots of
one kernel that start at different times, so a few of them show large differences only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pvbench.results.rows import Row

BAND: Final = 0.001  # of the path length; equivalent boots differ by no more
CLEAR: Final = 0.005  # a difference that a few pairs of boots show
CLEAR_OF_MANY: Final = 0.002  # a difference that many pairs of boots show
MANY: Final = 6
LONGER: Final = "longer"
SHORTER: Final = "shorter"


def ratios(before: Row, after: Row) -> tuple[float, ...]:
    """
    The path length after divided by that before, for each pair of boots.

    Boots without a number in common are compared each with each.
    """
    earlier_s, later_s = _by_number(before), _by_number(after)
    if numbers := sorted({*earlier_s} & {*later_s}):
        return tuple(later_s[number] / earlier_s[number] for number in numbers)
    return tuple(later / earlier for later in after.boots_s for earlier in before.boots_s)


def _by_number(row: Row) -> dict[int, float]:
    """The path length of each boot by its number; {} if the file does not number them."""
    if len(row.boots) != len(row.boots_s):
        return {}
    return dict(zip(row.boots, row.boots_s, strict=True))


def verdict(pairs: Sequence[float]) -> str:
    """``shorter``, ``longer``, ``equivalent`` or ``inconclusive``, by the `ratios`."""
    low, high = slowdown(pairs)
    if low > 1:
        return LONGER
    if high < 1:
        return SHORTER
    return "equivalent" if _are_equivalent(pairs) else "inconclusive"


def slowdown(pairs: Sequence[float]) -> tuple[float, float]:
    """The range of the `ratios`, with what boots of one kernel differ by around it."""
    spread = BAND if _are_equivalent(pairs) else _clear_of(pairs)
    return min(pairs) / (1 + spread), max(pairs) * (1 + spread)


def _clear_of(pairs: Sequence[float]) -> float:
    """The least difference of all *pairs* that makes a path longer or shorter."""
    return CLEAR if len(pairs) < MANY else CLEAR_OF_MANY


def _are_equivalent(pairs: Sequence[float]) -> bool:
    return max(pairs) <= 1 + BAND and min(pairs) >= 1 / (1 + BAND)
