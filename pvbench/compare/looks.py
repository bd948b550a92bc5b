"""
The numbers of boots after which a run with `--until settled` may stop.

Each look could give a false verdict, so the probability of one is divided by their number.
The looks follow from the largest number of boots alone, which is fixed beforehand.
"""

from __future__ import annotations

from typing import Final

FIRST_LOOK: Final = 10  # boots


def looks(max_boots: int) -> tuple[int, ...]:
    """The numbers of boots after which verdicts are formed: 10, 20, 40 and so on."""
    numbers = []
    boots = FIRST_LOOK
    while boots < max_boots:
        numbers.append(boots)
        boots *= 2
    return (*numbers, max_boots)


def alpha_of_look(alpha: float, max_boots: int) -> float:
    """The probability of a false verdict that each look may have."""
    return alpha / len(looks(max_boots))
