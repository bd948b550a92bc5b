"""The cells of benchmarks/verdicts.py: what is simulated, and what must come of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import attrs

import simulated_boots as boots_of
import verdict_events as events
from pvbench.compare.power import POWER, boots_needed, power
from pvbench.compare.statistics import ALPHA
from simulated_boots import SPREAD, Random, Shape
from verdict_events import MARGIN, Event, Simulate

BOOTS, PAIRS = (6, 10, 20), (1, 5, 20, 85, 300)
PLANTED = 0.05  # a log ratio
FEW, MANY = 500, 2000  # simulations of a family and of one pair
AUTOCORRELATED = ("AR(1) 0.5", "AR(1) 0.8", "drift of 5 %")
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


def cells() -> Iterator[Cell]:
    """All of them."""
    yield from _false_verdicts()
    yield from _false_verdicts_under_drift()
    yield from _false_verdicts_between_runs()
    yield from _power()
    yield from _boots_needed()
    yield from _coverage()
    yield from _wrong()


def _simulations(pairs: int) -> int:
    return MANY if pairs == 1 else FEW


_at_most_5 = partial(Cell, counted="false verdict", kind="at most", target=(ALPHA,))


def _false_verdicts() -> Iterator[Cell]:
    for kind in (*boots_of.NOISES, "unequal spread"):
        for shape in ((boots, pairs) for boots in BOOTS for pairs in PAIRS):
            yield _false(kind, kind, boots_of.pairs_of, shape)
    for kind in ("normal, one baseline", "skewed, one baseline"):
        for shape in ((boots, pairs) for boots in BOOTS for pairs in (5, 20, 85)):
            yield _false(kind, kind, boots_of.pairs_of, shape)


def _false_verdicts_under_drift() -> Iterator[Cell]:
    for kind in AUTOCORRELATED:
        for shape in ((boots, pairs) for boots in BOOTS for pairs in (1, 5, 20, 85)):
            yield _false(f"{kind}, one boot", kind, boots_of.shared, shape)
            yield _false(f"{kind}, ab", kind, boots_of.adjacent, shape)
    for kind in ("ramp of 2 %", "warm-up of 2 %"):
        for shape in ((boots, pairs) for boots in BOOTS for pairs in (1, 7, 85)):
            yield _false(f"{kind} in each boot", kind, boots_of.ramp, shape)


def _false(data: str, kind: str, simulate: Simulate, shape: Shape) -> Cell:
    event = partial(events.false_verdict, partial(simulate, kind, shape=shape))
    return _at_most_5(data=data, shape=shape, event=event, simulations=_simulations(shape[1]))


def _false_verdicts_between_runs() -> Iterator[Cell]:
    for kind in ("steps of 3 %", *AUTOCORRELATED):
        for allowed, pairs in ((False, 1), (False, 85), *((True, pairs) for pairs in PAIRS)):
            shape = (10, pairs)
            name = f"runs apart, {kind}, {'with' if allowed else 'without'} allowance"
            event = partial(events.false_between_runs, kind, shape, allowed)
            target = (ALPHA,) if allowed else (0.0, 0.0)
            yield Cell(
                counted="false verdict",
                data=name,
                shape=shape,
                event=event,
                simulations=_simulations(pairs),
                kind="at most" if allowed else "range",
                target=target,
            )


def _power() -> Iterator[Cell]:
    """The test finds as much as a t whose critical value is exact."""
    for pairs in (20, 85, 300):
        target = power(boots=10, pairs=pairs, effect=PLANTED / SPREAD, alpha=ALPHA)
        simulate = partial(events.planted, "normal", PLANTED, (10, pairs))
        yield _found("5 %, spread 2 %", (10, pairs), simulate, (target,), "at least")
    spread = SPREAD * math.sqrt(2)
    simulate = partial(events.spread_planted, spread, PLANTED, (10, 20))
    yield _found("5 %, spread 2 % on each side", (10, 20), simulate, (0.8,), "at least")


def _found(
    data: str,
    shape: Shape,
    simulate: Simulate,
    target: tuple[float, ...],
    kind: str,
) -> Cell:
    return Cell(
        counted="difference found",
        data=data,
        shape=shape,
        event=partial(events.detected, simulate),
        simulations=_simulations(shape[1]),
        kind=kind,
        target=target,
    )


def _boots_needed() -> Iterator[Cell]:
    """Of up to eight boots one makes a large difference, so they may find more."""
    for spread in (0.02, 0.05, 0.1):
        for pairs in PAIRS if spread < 0.1 else PAIRS[:3]:
            boots = boots_needed(
                pairs=pairs, difference=math.expm1(PLANTED), spread=spread, alpha=ALPHA
            )
            assert boots
            shape = (boots, pairs)
            simulate = partial(events.spread_planted, spread, PLANTED, shape)
            limits = (POWER - 0.05, 1.0 if boots <= 8 else POWER + 0.07)
            yield _found(
                f"5 %, predicted, spread {spread:.0%}", shape, simulate, limits, "range"
            )
    for shape in ((boots, pairs) for boots in (10, 20) for pairs in (1, 5, 20)):
        yield Cell(
            counted="difference found",
            data="with the boots that an inconclusive pair asks for",
            shape=shape,
            event=partial(events.enough_boots, shape),
            simulations=_simulations(shape[1]),
            kind="range",
            target=(POWER - 0.05, 1.0),
        )


def _coverage() -> Iterator[Cell]:
    for shape in ((boots, pairs) for boots in BOOTS for pairs in PAIRS[:4]):
        for kind in ("normal", "heavy-tailed", "skewed"):
            one = partial(events.planted, kind, PLANTED, shape)
            yield _covered(f"{kind}, one differs by 5 %", shape, one)
            every = partial(events.all_differ, kind, 0.5, shape)
            yield _covered(f"{kind}, all differ, by 50 % or so", shape, every)
        simulate = partial(events.all_differ, "normal", SPREAD, shape)
        yield _covered("normal, all differ, by 2 % or so", shape, simulate)


def _covered(data: str, shape: Shape, simulate: Simulate) -> Cell:
    boots, pairs = shape
    return Cell(
        counted="all intervals right",
        data=data,
        shape=shape,
        event=partial(events.covered, simulate),
        simulations=MANY if pairs <= 5 else MANY // 2,
        kind="range",
        target=(0.93, 0.98 if boots >= 10 else 1.0),
    )


def _wrong() -> Iterator[Cell]:
    for shape in ((boots, pairs) for boots in BOOTS for pairs in (1, 20)):
        simulate = partial(events.planted, "normal", PLANTED, shape)
        yield _counted("wrong sign", "one differs by 5 %", shape, simulate, 0.001)
    shape = (20, 1)
    simulate = partial(events.mixture, shape)
    data = "15 % faster in 40 %, 1 % slower in the others"
    yield _counted("wrong sign", data, shape, simulate, 0.001)
    for spread in (0.005, 0.01):
        for shape in ((boots, pairs) for boots in BOOTS for pairs in (1, 20, 85)):
            simulate = partial(events.at_margin, spread, shape)
            data = f"all differ by {MARGIN:.0%}, spread {spread:.1%}"
            yield _counted("equivalent", data, shape, simulate, ALPHA)


def _counted(counted: str, data: str, shape: Shape, simulate: Simulate, most: float) -> Cell:
    event = events.wrong_sign if counted == "wrong sign" else events.equivalent
    return Cell(
        counted=counted,
        data=data,
        shape=shape,
        event=partial(event, simulate),
        simulations=_simulations(shape[1]),
        kind="range",
        target=(0.0, most),
    )
