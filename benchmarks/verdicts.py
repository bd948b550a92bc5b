"""
How often verdicts on noisy clocks are false, and how often differences are found.

    python benchmarks/verdicts.py [--seed SEED] [--processes N] [--simulations N] [--only TEXT]

Each row of the table is a cell: many simulated comparisons, the part of them in which
something happens, and the limits in which that part must be.  Beside it is the part in
which `pyperf compare_to` calls a pair significant on the same numbers.  The exit status
is 1 if a cell is outside its limits.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from typing import Final

import attrs
import numpy as np

from pvbench.host.facts import usable_cpus
from simulated_boots import Random
from verdict_cell import Cell
from verdict_cells import cells

# As in `pvbench`: threads of numpy that wait for each other take ten times the CPU time.
_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "1")


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


def title(cell: Cell) -> str:
    """What a row begins with."""
    return f"{cell.counted:19} {cell.data:50}"


def line(cell: Cell, counted: Counted) -> str:
    """A row of the table."""
    low, high = cell.limits
    boots, pairs = cell.shape
    pyperf = "" if counted.pyperf is None else f"{counted.pyperf:.1%}"
    verdict = "" if low <= counted.part <= high else "  OUTSIDE"
    return (
        f"{title(cell)} {boots:5} {pairs:5} {cell.simulations:5}"
        f" {counted.part:7.2%} {f'{low:.1%}..{high:.1%}':>14} {pyperf:>7}{verdict}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(f"{datetime.now(UTC):%Y%m%d%H%M}"))
    parser.add_argument("--processes", type=int, default=len(usable_cpus()))
    parser.add_argument("--simulations", type=int, help="of each cell")
    parser.add_argument("--only", default="", help="cells whose rows begin with this text")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}")
    print(
        f"{'counted':19} {'data':50} {'boots':>5} {'pairs':>5} {'runs':>5}"
        f" {'part':>7} {'limits':>14} {'pyperf':>7}"
    )
    every = chosen(options.simulations)
    numbers = [n for n, cell in enumerate(every) if title(cell).startswith(options.only)]
    outside = 0
    os.environ.setdefault(*_ONE_THREAD)
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        counts = pool.map(partial(count_number, options.seed, options.simulations), numbers)
        for number, counted in zip(numbers, counts, strict=True):
            row = line(every[number], counted)
            print(row, flush=True)
            outside += row.endswith("OUTSIDE")
    print(f"{outside} of {len(numbers)} cells are outside their limits")
    return int(outside > 0)


if __name__ == "__main__":
    sys.exit(main())
