"""
How often verdicts on noisy clocks are false, and how often differences are found.

    python benchmarks/verdicts.py [--seed SEED] [--processes N] [--simulations N]

Each row of the table is a cell: many simulated comparisons, the part of them in which
something happens, and the limits in which that part must be.  Beside it is the part in
which `pyperf compare_to` calls a pair significant on the same numbers.  The exit status
is 1 if a cell is outside its limits.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial

import attrs
import numpy as np

import simulated_boots as boots_of
import verdict_cells as cells_of
from pvbench.compare.power import POWER, boots_needed
from pvbench.compare.statistics import ALPHA
from pvbench.host.facts import usable_cpus
from simulated_boots import SPREAD, Random, Shape
from verdict_cells import MARGIN, Cell, Simulate

BOOTS, PAIRS = (6, 10, 20), (1, 5, 20, 85, 300)
PLANTED = 0.05  # a log ratio
FEW, MANY = 500, 2000  # simulations of a family and of one pair
AUTOCORRELATED = ("AR(1) 0.5", "AR(1) 0.8", "drift of 5 %")


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
    event = partial(cells_of.false_verdict, partial(simulate, kind, shape=shape))
    return _at_most_5(data=data, shape=shape, event=event, simulations=_simulations(shape[1]))


def _false_verdicts_between_runs() -> Iterator[Cell]:
    for kind in ("steps of 3 %", *AUTOCORRELATED):
        for allowed, pairs in ((False, 1), (False, 85), *((True, pairs) for pairs in PAIRS)):
            shape = (10, pairs)
            name = f"runs apart, {kind}, {'with' if allowed else 'without'} allowance"
            event = partial(cells_of.false_between_runs, kind, shape, allowed)
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
    for pairs, target in ((20, 0.995), (85, 0.97), (300, 0.86)):
        simulate = partial(cells_of.planted, "normal", PLANTED, (10, pairs))
        yield _found("5 %, spread 2 %", (10, pairs), simulate, (target,), "at least")
    spread = SPREAD * math.sqrt(2)
    simulate = partial(cells_of.spread_planted, spread, PLANTED, (10, 20))
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
        event=partial(cells_of.detected, simulate),
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
            simulate = partial(cells_of.spread_planted, spread, PLANTED, shape)
            limits = (POWER - 0.05, 1.0 if boots <= 8 else POWER + 0.07)
            yield _found(
                f"5 %, predicted, spread {spread:.0%}", shape, simulate, limits, "range"
            )
    for shape in ((boots, pairs) for boots in (6, 10) for pairs in (1, 5, 20)):
        yield Cell(
            counted="difference found",
            data="with the boots that an inconclusive pair asks for",
            shape=shape,
            event=partial(cells_of.enough_boots, shape),
            simulations=_simulations(shape[1]),
            kind="range",
            target=(POWER - 0.05, POWER + 0.07),
        )


def _coverage() -> Iterator[Cell]:
    for shape in ((boots, pairs) for boots in BOOTS for pairs in PAIRS[:4]):
        for kind in ("normal", "heavy-tailed", "skewed"):
            one = partial(cells_of.planted, kind, PLANTED, shape)
            yield _covered(f"{kind}, one differs by 5 %", shape, one)
            every = partial(cells_of.all_differ, kind, 0.5, shape)
            yield _covered(f"{kind}, all differ, by 50 % or so", shape, every)
        simulate = partial(cells_of.all_differ, "normal", SPREAD, shape)
        yield _covered("normal, all differ, by 2 % or so", shape, simulate)


def _covered(data: str, shape: Shape, simulate: Simulate) -> Cell:
    boots, pairs = shape
    return Cell(
        counted="all intervals right",
        data=data,
        shape=shape,
        event=partial(cells_of.covered, simulate),
        simulations=MANY if pairs <= 5 else MANY // 2,
        kind="range",
        target=(0.93, 0.98 if boots >= 10 else 1.0),
    )


def _wrong() -> Iterator[Cell]:
    for shape in ((boots, pairs) for boots in BOOTS for pairs in (1, 20)):
        simulate = partial(cells_of.planted, "normal", PLANTED, shape)
        yield _counted("wrong sign", "one differs by 5 %", shape, simulate, 0.001)
    shape = (20, 1)
    simulate = partial(cells_of.mixture, shape)
    data = "15 % faster in 40 %, 1 % slower in the others"
    yield _counted("wrong sign", data, shape, simulate, 0.001)
    for spread in (0.005, 0.01):
        for shape in ((boots, pairs) for boots in BOOTS for pairs in (1, 20, 85)):
            simulate = partial(cells_of.at_margin, spread, shape)
            data = f"all differ by {MARGIN:.0%}, spread {spread:.1%}"
            yield _counted("equivalent", data, shape, simulate, ALPHA)


def _counted(counted: str, data: str, shape: Shape, simulate: Simulate, most: float) -> Cell:
    event = cells_of.wrong_sign if counted == "wrong sign" else cells_of.equivalent
    return Cell(
        counted=counted,
        data=data,
        shape=shape,
        event=partial(event, simulate),
        simulations=_simulations(shape[1]),
        kind="range",
        target=(0.0, most),
    )


# running and printing


@attrs.frozen(kw_only=True)
class Counted:
    """The parts of the simulations of a cell in which the event happened."""

    part: float
    pyperf: float | None


def count(cell: Cell, random: Random) -> Counted:
    """Run the simulations of *cell*."""
    ours, theirs = zip(*(cell.event(random) for _ in range(cell.simulations)), strict=True)
    pyperf = None if theirs[0] is None else float(np.mean(theirs))
    return Counted(part=float(np.mean(ours)), pyperf=pyperf)


def count_number(seed: int, simulations: int | None, number: int) -> Counted:
    """Run a cell in a process that knows its number only, with a generator of its own."""
    return count(chosen(simulations)[number], np.random.default_rng([seed, number]))


def chosen(simulations: int | None) -> list[Cell]:
    """The cells, with another number of simulations if one is given."""
    every = cells()
    return (
        [attrs.evolve(c, simulations=simulations) for c in every] if simulations else [*every]
    )


def line(cell: Cell, counted: Counted) -> str:
    """A row of the table."""
    low, high = cell.limits
    boots, pairs = cell.shape
    pyperf = "" if counted.pyperf is None else f"{counted.pyperf:.1%}"
    verdict = "" if low <= counted.part <= high else "  OUTSIDE"
    return (
        f"{cell.counted:19} {cell.data:50} {boots:5} {pairs:5} {cell.simulations:5}"
        f" {counted.part:7.2%} {f'{low:.1%}..{high:.1%}':>14} {pyperf:>7}{verdict}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(f"{datetime.now(UTC):%Y%m%d%H%M}"))
    parser.add_argument("--processes", type=int, default=len(usable_cpus()))
    parser.add_argument("--simulations", type=int, help="of each cell")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}")
    print(
        f"{'counted':19} {'data':50} {'boots':>5} {'pairs':>5} {'runs':>5}"
        f" {'part':>7} {'limits':>14} {'pyperf':>7}"
    )
    every, outside = chosen(options.simulations), 0
    with ProcessPoolExecutor(options.processes) as pool:
        counts = pool.map(
            partial(count_number, options.seed, options.simulations), range(len(every))
        )
        for cell, counted in zip(every, counts, strict=True):
            row = line(cell, counted)
            print(row, flush=True)
            outside += row.endswith("OUTSIDE")
    print(f"{outside} of {len(every)} cells are outside their limits")
    return int(outside > 0)


if __name__ == "__main__":
    sys.exit(main())
