"""A cell of benchmarks/verdicts.py, and the sizes of comparisons that are simulated."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import attrs

from simulated_boots import Random, Shape
from verdict_events import Event

BOOTS, PAIRS = (6, 10, 20), (1, 5, 20, 85, 300)
SHAPES = tuple(product(BOOTS, PAIRS))
FEW, MANY = 500, 2000  # simulations of a family and of one pair
EXACT = 500  # simulations


@attrs.frozen(kw_only=True)
class Cell:
    """
    One row of the table.

    Args:
        counted: what is counted.
        data: what is simulated.
        event: one simulation.
        simulations: how many.
        target: the part of the simulations in which the event should happen, or the
            lowest and the highest.
        kind: ``at most`` and ``at least`` allow for chance, ``range`` does not.
    """

    counted: str
    data: str
    shape: Shape
    event: Callable[[Random], Event]
    simulations: int
    kind: str
    target: tuple[float, ...]

    @property
    def limits(self) -> tuple[float, float]:
        """
        The permitted parts of the simulations.

        A range is exact, unless there are too few simulations to tell.
        """
        if self.kind == "range" and self.simulations >= EXACT:
            return self.target[0], self.target[-1]
        low = 0.0 if self.kind == "at most" else self._within_chance(-1, self.target[0])
        high = 1.0 if self.kind == "at least" else self._within_chance(1, self.target[-1])
        return low, high

    def _within_chance(self, direction: int, part: float) -> float:
        """The limit on one side that *part* keeps in 999 of 1000 cells."""
        from scipy.stats import binom

        chance = 0.999 if direction > 0 else 0.001
        return float(binom.ppf(chance, self.simulations, part)) / self.simulations


def simulations_of(pairs: int) -> int:
    """How many simulations a comparison of *pairs* pairs gets."""
    return MANY if pairs == 1 else FEW
