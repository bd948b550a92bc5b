"""The cells of benchmarks/verdicts.py in which equal sides may get no verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import simulated_boots as boots_of
import verdict_events as events
from pvbench.compare.statistics import ALPHA
from simulated_boots import Random, Shape
from verdict_cell import BOOTS, PAIRS, SHAPES, Cell, simulations_of
from verdict_events import Event, Simulate

AUTOCORRELATED = ("AR(1) 0.5", "AR(1) 0.8", "drift of 5 %")


def cells() -> Iterator[Cell]:
    """All of them."""
    yield from _of_noise()
    yield from _under_drift()
    yield from _between_runs()
    yield from _of_looks()


def _of_noise() -> Iterator[Cell]:
    for kind in (*boots_of.NOISES, "unequal spread"):
        for shape in SHAPES:
            yield _false(kind, kind, boots_of.pairs_of, shape)
    for kind in ("normal, one baseline", "skewed, one baseline"):
        for shape in product(BOOTS, PAIRS[1:]):
            yield _false(kind, kind, boots_of.pairs_of, shape)


def _under_drift() -> Iterator[Cell]:
    for kind in AUTOCORRELATED:
        for shape in SHAPES:
            yield _false(f"{kind}, one boot", kind, boots_of.shared, shape)
            yield _false(f"{kind}, ab", kind, boots_of.adjacent, shape)
    for kind in ("ramp of 2 %", "warm-up of 2 %"):
        for shape in SHAPES:
            yield _false(f"{kind} in each boot", kind, boots_of.ramp, shape)


def _false(data: str, kind: str, simulate: Simulate, shape: Shape) -> Cell:
    return _false_of(
        data, shape, partial(events.false_verdict, partial(simulate, kind, shape=shape))
    )


def _false_of(
    data: str,
    shape: Shape,
    event: Callable[[Random], Event],
    kind: str = "at most",
    target: tuple[float, ...] = (ALPHA,),
) -> Cell:
    return Cell(
        counted="false verdict",
        data=data,
        shape=shape,
        event=event,
        simulations=simulations_of(shape[1]),
        kind=kind,
        target=target,
    )


def _between_runs() -> Iterator[Cell]:
    for kind in ("steps of 3 %", *AUTOCORRELATED):
        for shape in ((10, 1), (10, 85)):
            name = f"runs apart, {kind}, without allowance"
            event = partial(events.false_between_runs, kind, shape, False)
            yield _false_of(name, shape, event, kind="range", target=(0.0, 0.0))
        for shape in SHAPES:
            name = f"runs apart, {kind}, with allowance"
            yield _false_of(name, shape, partial(events.false_between_runs, kind, shape, True))


def _of_looks() -> Iterator[Cell]:
    """The last look is at 40 boots."""
    for kind, shape in product(("normal", "heavy-tailed"), product((40,), PAIRS[:4])):
        simulate = partial(boots_of.pairs_of, kind, shape=shape)
        event = partial(events.false_when_settled, simulate, shape[0])
        yield _false_of(f"{kind}, until settled", shape, event)
