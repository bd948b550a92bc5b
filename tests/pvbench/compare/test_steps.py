"""The runs at which a case stepped."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.compare.allowance import Allowance
from pvbench.compare.steps import Step, Track, track
from pvbench.results.rows import Row
from support.runs import row_of

STACK = "x2apic-physical"


def rows(*times_us: float, **facts: Any) -> list[Row]:
    """One row for each run; the files are numbered from 1."""
    members = [row_of("broadcast", STACK, time * 1e-6, **facts) for time in times_us]
    return [attrs.evolve(row, file=str(number)) for number, row in enumerate(members, 1)]


def noisy(*times_us: float, **facts: Any) -> list[Row]:
    """The same on a noisy clock."""
    return rows(*times_us, clock="tsc", delivery="kvm", **facts)


def with_allowance(members: list[Row], rms: float = 0.01, sessions: int = 20) -> Track:
    """The track, where equal runs differ by so much."""
    return track(members, lambda before, after: Allowance(rms_log_ratio=rms, sessions=sessions))


def exact(members: list[Row]) -> Track:
    """The track of a host whose noise has not been measured."""
    return track(members, lambda before, after: None)


def summary(result: Track) -> list[tuple[str, str, bool]]:
    """The run and the verdict of each step, and whether it is confirmed."""
    return [(step.after.file, step.verdict, step.is_confirmed) for step in result.steps]


def test_a_case_that_never_changes_has_no_step() -> None:
    """One run is a history too."""
    assert summary(exact(rows(2, 2, 2))) == []
    assert summary(exact(rows(2))) == []


def test_each_change_of_an_exact_time_is_a_step() -> None:
    """The model gives the same time on any day."""
    assert summary(exact(rows(2, 2, 3, 3, 1))) == [("3", "slower", True), ("5", "faster", True)]


def test_a_step_names_the_runs_around_it_and_its_ratio() -> None:
    """The ratio is that of the time to the level before."""
    (step,) = exact(rows(2, 2, 3)).steps

    assert (step.before.file, step.after.file) == ("2", "3")
    assert step.ratio == pytest.approx(1.5)


def test_a_noisy_time_steps_if_it_exceeds_the_allowance_twice() -> None:
    """The level before it has the mean of its runs."""
    assert summary(with_allowance(noisy(100, 101, 99, 110, 111))) == [("4", "slower", True)]
    assert summary(with_allowance(noisy(100, 101, 99, 90, 91))) == [("4", "faster", True)]
    assert summary(with_allowance(noisy(100, 101, 99, 101, 100))) == []


def test_the_last_run_has_yet_to_be_confirmed() -> None:
    """It may be the only one that differs."""
    assert summary(with_allowance(noisy(100, 101, 99, 110))) == [("4", "slower", False)]


def test_a_single_run_that_differs_is_no_step() -> None:
    """Somebody compiled a kernel beside it; the level goes on after it."""
    assert summary(with_allowance(noisy(100, 101, 120, 100, 99))) == []
    assert summary(with_allowance(noisy(100, 101, 120, 80, 100))) == []


def test_slow_drift_is_a_step_once_it_exceeds_the_allowance() -> None:
    """Each run is compared with the level, and not with the run before it."""
    result = with_allowance(noisy(*range(100, 130)))

    assert result.steps
    assert {step.verdict for step in result.steps} == {"slower"}


def test_without_an_allowance_no_step_of_a_noisy_time_is_looked_for() -> None:
    """The track says so; counts are exact all the same."""
    result = exact(noisy(100, 200, 300))

    assert (result.steps, result.is_judged) == ((), False)
    assert exact(rows(1, 2)).is_judged
    assert not with_allowance(noisy(100, 200), rms=0.0).is_judged


def test_other_counts_are_a_step_on_every_clock() -> None:
    """The sender does something else."""
    members = [*noisy(100, 100), *noisy(100, 100, icr_writes=1.0)]
    members = [attrs.evolve(row, file=str(n)) for n, row in enumerate(members, 1)]

    assert summary(exact(members)) == [("3", "other counts", True)]
    assert summary(with_allowance(members)) == [("3", "other counts", True)]


def test_times_that_say_nothing_do_not_step() -> None:
    """Only counts are read from such a clock."""
    assert summary(exact(rows(1, 2, 3, clock="emulated", exactness="none"))) == []


def test_path_lengths_step_by_their_own_rule() -> None:
    """Instructions differ by little between equal runs."""
    clock = {"clock": "icount", "exactness": "near-exact"}

    assert summary(exact(rows(100, 100, 103, 103, **clock))) == [("3", "longer", True)]
    assert summary(exact(rows(100, 100.4, 100, **clock))) == []


def test_the_chance_of_a_false_step_is_shared_by_all_runs_of_a_case() -> None:
    """A difference that would be a step between two runs is none among a hundred."""
    difference = (100, 102.6, 102.6)

    assert summary(with_allowance(noisy(*difference))) == [("2", "slower", True)]
    assert summary(with_allowance(noisy(*difference, *[102.6] * 100))) == []


def test_a_long_level_is_known_better_than_a_short_one() -> None:
    """Its mean differs less by chance."""
    assert summary(with_allowance(noisy(100, 102, 102))) == []
    assert summary(with_allowance(noisy(*[100] * 10, 102, 102))) == [("11", "slower", True)]


def test_steps_are_plain_data() -> None:
    """Reports read them."""
    (step,) = exact(rows(2, 3)).steps

    assert step == Step(
        before=step.before, after=step.after, verdict="slower", ratio=step.ratio
    )
