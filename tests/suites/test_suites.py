"""The bundled suites: nothing is missing, and the model can answer them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pvbench.run.proof import differences
from support.helpers import bundled
from support.runs import Cli, journal_of
from support.suites import checked, expanded, planned, ready_to_run

SUITES = ("fanout", "ids", "norov", "pairs", "scale", "shootdown", "smoke")
each_suite = pytest.mark.parametrize("name", SUITES)


def test_these_are_the_bundled_suites() -> None:
    """One file of tests for all: a new one belongs here."""
    assert sorted(set(bundled().suites) - {"live"}) == list(SUITES)  # no question for a model


@each_suite
def test_nothing_a_suite_names_is_missing(name: str) -> None:
    """Bundled suites ask for bundled workloads and senders: no case is blocked."""
    cases, blocked = expanded(name)

    assert (blocked, bool(cases)) == ({}, True)


@each_suite
def test_cases_of_a_suite_have_names_of_their_own(name: str) -> None:
    """A name stands for one measurement."""
    cases, _ = expanded(name)

    assert [n for n, times in Counter(case.name for case in cases).items() if times > 1] == []


@each_suite
def test_a_suite_writes_its_workloads_in_full(name: str) -> None:
    """What the suite's file says is what tables and result files say."""
    suite, registry = bundled().suites[name], bundled()

    assert suite.workloads == tuple(registry.workload(spec).spec for spec in suite.workloads)


@each_suite
def test_no_case_of_a_suite_fails_the_static_check(name: str) -> None:
    """Each target once, nobody else, by the declared mechanism: the model runs them all."""
    assert planned(name).refused == {}


@each_suite
def test_the_model_does_what_each_case_of_a_suite_asks(name: str) -> None:
    """Proof of mechanism: every count matches the ops and the targets."""
    model, settings = bundled().deliveries["model"], ready_to_run(name).launch.settings
    wrong: dict[str, list[str]] = {}
    for boot in planned(name).boots:
        with model.boot(boot.guest, settings) as booted:
            for case in boot.cases:
                result = booted.load(case.task).run(loops=2, warmup=1)
                wrong[case.case.name] = differences(case, result)

    assert [(case, found) for case, found in wrong.items() if found] == []
    assert len(wrong) == len(planned(name).cases)


def test_smoke_runs_from_the_command_line_and_every_case_is_ok(cli: Cli) -> None:
    """Workers, proof and table of all senders and drivers: exit status 0."""
    done = cli("run", "smoke", "--fast", "-q", "-o", "a.json")
    boots = [entry for entry in journal_of(Path("a.json")) if "boot" in entry]
    outcomes = Counter(case["outcome"] for boot in boots for case in boot["cases"].values())

    assert (done.status, outcomes) == (0, {"ok": len(expanded("smoke")[0])})


def test_smoke_has_a_case_of_each_sender_that_uses_its_own_callbacks() -> None:
    """An overlay whose callbacks are never reached would be the driver again."""
    acting = {
        case.case.stack.sender.name
        for case in checked("smoke")
        if case.bursts and all(burst.overlaid for burst in case.bursts)
    }

    assert acting == {n for n, s in bundled().senders.items() if s.mechanism != "kernel"}


def test_smoke_has_a_case_of_each_family() -> None:
    """Who adds a family adds a member of it."""
    families = {name for name, w in bundled().workloads.items() if w.parameters}

    assert {case.case.workload.name for case in checked("smoke")} >= families
