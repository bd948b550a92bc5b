"""The cells of benchmarks/verdicts.py: what is simulated, and what must come of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from itertools import product

import false_verdict_cells
import verdict_events as events
from pvbench.compare.power import POWER, boots_needed, power
from pvbench.compare.statistics import ALPHA
from simulated_boots import SPREAD, Shape
from verdict_cell import MANY, PAIRS, SHAPES, Cell, simulations_of
from verdict_events import MARGIN, Simulate

PLANTED = 0.05  # a log ratio


def cells() -> Iterator[Cell]:
    """All of them."""
    yield from false_verdict_cells.cells()
    yield from _power()
    yield from _boots_needed()
    yield from _coverage()
    yield from _wrong()


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
        simulations=simulations_of(shape[1]),
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
    for shape in product((10, 20), PAIRS[:3]):
        yield Cell(
            counted="difference found",
            data="with the boots that an inconclusive pair asks for",
            shape=shape,
            event=partial(events.enough_boots, shape),
            simulations=simulations_of(shape[1]),
            kind="range",
            target=(POWER - 0.05, 1.0),
        )


def _coverage() -> Iterator[Cell]:
    for shape in SHAPES:
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
    for shape in SHAPES:
        simulate = partial(events.planted, "normal", PLANTED, shape)
        yield _counted("wrong sign", "one differs by 5 %", shape, simulate, 0.001)
    shape = (20, 1)
    simulate = partial(events.mixture, shape)
    data = "15 % faster in 40 %, 1 % slower in the others"
    yield _counted("wrong sign", data, shape, simulate, 0.001)
    for spread in (0.005, 0.01):
        for shape in SHAPES:
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
        simulations=simulations_of(shape[1]),
        kind="range",
        target=(0.0, most),
    )
