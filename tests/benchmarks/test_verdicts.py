"""The short form of the simulations: a few cells, few simulations, wider limits."""

from __future__ import annotations

import os
import subprocess
import sys
from multiprocessing.context import BaseContext
from pathlib import Path

import attrs
import numpy as np
import pyperf
import pytest

import simulated_boots
import verdict_events
import verdicts
from simulated_boots import Boots
from verdict_cell import Cell

SEED = 0
SIMULATIONS = 80
SIZES = ((10, 1), (10, 5), (40, 1))
SHORT = {
    number: cell
    for number, cell in enumerate(verdicts.chosen(SIMULATIONS))
    if cell.shape in SIZES or (cell.kind, cell.shape) == ("at least", (10, 20))
}


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, id=f"{c.counted}: {c.data}, {c.shape[1]}") for n, c in SHORT.items()],
)
def test_a_simulated_cell_is_within_its_limits(number: int) -> None:
    """The long form has all cells with 500 or 2000 simulations."""
    counted = verdicts.count(SHORT[number], np.random.default_rng([SEED, number]))
    low, high = SHORT[number].limits

    assert low <= counted.part <= high


def always(happens: bool) -> Cell:
    """A cell whose event happens always, or never."""
    return Cell(
        counted="rain",
        data="seven days",
        shape=(6, 1),
        event=lambda random: (happens, None),
        simulations=2000,
        kind="at most",
        target=(0.05,),
    )


def test_the_limit_of_false_verdicts_is_the_bound_of_chance() -> None:
    """6.6 % of 2000 simulations and 8.2 % of 500 are exceeded once in a thousand cells."""
    limits = [attrs.evolve(always(True), simulations=n).limits for n in (2000, 500)]

    assert limits == [(0, 0.0655), (0, 0.082)]


def test_a_power_may_be_lower_by_chance() -> None:
    """80 % of 500 simulations are at least 74.4 %."""
    cell = attrs.evolve(always(True), kind="at least", target=(0.8,), simulations=500)

    assert cell.limits == (0.744, 1)


def test_a_range_is_exact_with_many_simulations_only() -> None:
    """500 simulations are many."""
    cell = attrs.evolve(always(True), kind="range", target=(0.93, 0.98), simulations=500)
    few = attrs.evolve(cell, simulations=100)

    assert cell.limits == (0.93, 0.98)
    assert few.limits[0] < 0.87
    assert few.limits[1] > 0.99


@pytest.mark.parametrize(("happens", "status"), [(False, 0), (True, 1)])
def test_a_cell_outside_its_limits_gives_exit_status_1(
    happens: bool,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The table names it."""
    monkeypatch.setattr(verdicts, "cells", lambda: iter([always(happens)]))
    monkeypatch.setattr(verdicts, "ProcessPoolExecutor", InThisProcess)

    assert verdicts.main(["--seed", "7"]) == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "seed 7"
    assert lines[2].endswith("OUTSIDE") == happens
    assert lines[-1] == f"{status} of 1 cells are outside their limits"


def test_cells_can_be_chosen_by_the_beginning_of_their_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They have the numbers that they have among all cells, and so the same simulations."""
    every = [always(True), attrs.evolve(always(False), counted="snow")]
    monkeypatch.setattr(verdicts, "cells", lambda: iter(every))
    monkeypatch.setattr(verdicts, "ProcessPoolExecutor", InThisProcess)

    assert verdicts.main(["--only", "snow"]) == 0
    *_, row, last = capsys.readouterr().out.splitlines()
    assert row.startswith("snow ")
    assert last == "0 of 1 cells are outside their limits"


def test_the_processes_of_the_table_have_one_thread_of_numpy_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They read the variable before they import numpy, which forked ones have already."""
    monkeypatch.setattr(verdicts, "cells", lambda: iter([always(False)]))
    monkeypatch.setattr(verdicts, "ProcessPoolExecutor", InThisProcess)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    verdicts.main([])

    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert InThisProcess.method == "spawn"


class InThisProcess:
    """A pool that has no process of its own."""

    method = ""

    def __init__(self, processes: int, context: BaseContext) -> None:
        self.map = map
        InThisProcess.method = context.get_start_method()

    def __enter__(self) -> InThisProcess:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def file_of(path: Path, values: list[float]) -> str:
    """A result file of pyperf with one benchmark."""
    runs = [
        pyperf.Run([value], metadata={"name": "b"}, collect_metadata=False) for value in values
    ]
    pyperf.BenchmarkSuite([pyperf.Benchmark(runs)]).dump(str(path))
    return str(path)


@pytest.mark.parametrize("differ", [0.0, 0.01, 0.05])
def test_pyperf_s_column_is_that_of_its_command(tmp_path: Path, differ: float) -> None:
    """The test runs `pyperf compare_to` on a file for each side."""
    random = np.random.default_rng(SEED)
    boots = simulated_boots.pairs_of("normal", random, (10, 1)).differing(np.array([differ]))
    ((before, after),) = boots.seconds()
    files = [file_of(tmp_path / n, side.tolist()) for n, side in (("a", before), ("b", after))]
    command = [sys.executable, "-m", "pyperf", "compare_to", "-v", *files]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert verdict_events.significant(boots, 0) == ("Significant" in output)


def test_equal_constants_are_an_error_of_pyperf_that_counts_as_significant() -> None:
    """Its t has no denominator then."""
    assert verdict_events.significant(Boots(*np.zeros((3, 10, 1))), 0)


@pytest.mark.parametrize(("boots", "happens"), [(10, True), (7, False)])
def test_a_run_that_settles_has_the_verdict_of_the_look_that_decides(
    boots: int, happens: bool
) -> None:
    """The later side is 5 % faster in the first *boots* of 20, and as much slower then."""
    random = np.random.default_rng(SEED)
    gain = np.where(np.arange(20) < boots, 0.05, -0.05)[:, None]
    gain = gain + random.normal(0, 0.001, (20, 1))
    simulated = Boots(np.zeros((20, 1)), -gain, np.zeros(1))
    event = verdict_events.false_when_settled(lambda _: simulated, 20, random)

    assert event == (happens, None)


@pytest.mark.parametrize("counted", ["false verdict", "all intervals right", "equivalent"])
def test_all_sizes_of_comparisons_are_simulated(counted: str) -> None:
    """6, 10 and 20 boots, and up to 300 pairs."""
    shapes = {cell.shape for cell in verdicts.chosen(None) if cell.counted == counted}

    assert shapes >= {(b, pairs) for b in (6, 10, 20) for pairs in (1, 5, 20, 85, 300)}


def test_the_coin_of_ab_leaves_both_boots_of_a_pair_where_they_are() -> None:
    """Drift goes up by one step from boot to boot, whichever side comes first."""
    random = np.random.default_rng(SEED)
    boots = simulated_boots.adjacent("drift of 5 %", random, (500, 1))
    steps = boots.after - boots.before

    assert abs(float((steps > 0).mean()) - 0.5) < 0.1


def test_the_memory_of_ar_1_is_its_number() -> None:
    """It is the correlation of neighbours."""
    level = simulated_boots.levels("AR(1) 0.8", np.random.default_rng(SEED), 5000)

    assert np.corrcoef(level[1:], level[:-1])[0, 1] == pytest.approx(0.8, abs=0.03)
    assert level.std() == pytest.approx(0.03, rel=0.1)
