"""
The order in which the cases of a boot take turns.

Cases alternate (A B B A), so that a drift inside a boot affects all alike.  That holds
exactly for a linear drift and an even number of slices.  For any other drift the order is
drawn anew for each boot, from the seed and the number of the boot alone, so that a resumed
run has the same order.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence


def order(seed: int, boot: int, cases: int) -> tuple[int, ...]:
    """The numbers 0 to *cases* - 1 in the order in which these cases begin boot *boot*."""
    drawn = random.Random(f"{seed} {boot}")  # noqa: S311 - a reproducible order, not a secret
    return tuple(drawn.sample(range(cases), cases))


def adjacent(order: tuple[int, ...], groups: Sequence[Hashable]) -> tuple[int, ...]:
    """*order*, in which each case follows the first one of its group."""
    first: dict[Hashable, int] = {}
    for place, case in enumerate(order):
        first.setdefault(groups[case], place)
    return tuple(sorted(order, key=lambda case: first[groups[case]]))


def turns(order: tuple[int, ...], slices: int) -> tuple[int, ...]:
    """The case of each slice of a boot: *order* and its reverse in turn, *slices* times."""
    rounds = (order if number % 2 == 0 else order[::-1] for number in range(slices))
    return tuple(case for one in rounds for case in one)
