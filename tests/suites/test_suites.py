"""The bundled suites: nothing is missing, and the model can run them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pvbench.recording import stored
from pvbench.recording.bundled import recorded
from pvbench.results.schema import case_name
from pvbench.run.proof import differences
from pvbench.workload import EACH
from support.helpers import bundled, guest_of
from support.runs import Cli, journal_of
from support.suites import checked, expanded, planned, ready_to_run

SUITES = ("fanout", "ids", "norov", "pairs", "proposals", "scale", "shootdown", "smoke")
each_suite = pytest.mark.parametrize("name", SUITES)


def test_these_are_the_bundled_suites() -> None:
    """A new suite must be added to SUITES so that these tests cover it."""
    suites = set(bundled().table("suite"))
    suites -= {"live", "pv-on-off"}  # the model runs neither
    suites -= {"workloads"}  # has tests of its own, below

    assert sorted(suites) == list(SUITES)


@each_suite
def test_bundled_suites_name_only_bundled_plugins(name: str) -> None:
    """No case of a bundled suite is blocked by a missing workload or sender."""
    cases, blocked = expanded(name)

    assert (blocked, bool(cases)) == ({}, True)


@each_suite
def test_case_names_of_a_suite_are_unique(name: str) -> None:
    """A name identifies one measurement."""
    cases, _ = expanded(name)

    assert [
        n for n, times in Counter(case_name(case) for case in cases).items() if times > 1
    ] == []


@each_suite
def test_a_suite_writes_its_workloads_in_full(name: str) -> None:
    """Tables and result files show the spelling of the suite's file."""
    suite, guest = bundled().table("suite")[name], guest_of(range(80))
    members = {spec: bundled().workloads(spec, guest) for spec in suite.workloads}

    for spec, workloads in members.items():
        for workload in workloads:
            first = next(iter(workload.parameters.values()), "")
            assert spec.replace(EACH, str(first)) == workload.spec


@each_suite
def test_no_case_of_a_suite_fails_the_static_check(name: str) -> None:
    """Each case reaches each target once and no other CPU, by the declared mechanism."""
    assert planned(name).refused == {}


@each_suite
def test_the_model_proves_the_mechanism_of_each_case(name: str) -> None:
    """Every count matches the ops and the targets."""
    model, ready = bundled().table("delivery")["model"], ready_to_run(name)
    worker_data = ready.settings[0].description.worker_data
    failures: dict[str, list[str]] = {}
    for boot in planned(name).boots:
        with model.boot(boot.guest, worker_data) as booted:
            for case in boot.cases:
                result = booted.load(case.task).run(loops=2, warmup=1)
                failures[case.name] = differences(case, result)

    assert [(case, sentences) for case, sentences in failures.items() if sentences] == []
    assert len(failures) == len(planned(name).cases)


def test_smoke_runs_from_the_command_line_and_every_case_is_ok(cli: Cli) -> None:
    """The run of all senders and drivers ends with exit status 0."""
    output = cli("run", "smoke", "--fast", "-q", "-o", "a.json")
    boots = [entry for entry in journal_of(Path("a.json")) if "boot" in entry]
    outcomes = Counter(case["outcome"] for boot in boots for case in boot["cases"].values())

    assert (output.status, outcomes) == (0, {"ok": len(expanded("smoke")[0])})


def test_smoke_uses_the_callbacks_of_each_sender() -> None:
    """An overlay whose callbacks are not called would measure the driver again."""
    acting = {
        case.case.stack.sender.name
        for case in checked("smoke")
        if case.bursts and all(burst.overlaid for burst in case.bursts)
    }

    assert acting == {n for n, s in bundled().senders.items() if s.mechanism != "kernel"}


def test_smoke_has_a_case_of_each_family() -> None:
    """A new family of workloads needs a member in smoke."""
    families = {
        name
        for name, workload in bundled().table("workload").items()
        if workload.parameters and not workload.is_program and not workload.sends
    }

    assert {case.case.workload.name for case in checked("smoke")} >= families


def test_pv_on_off_is_a_plan_of_pairs() -> None:
    """Each program runs natively and with kvm-pv, which are adjacent guests of one boot."""
    cases, blocked = expanded("pv-on-off")
    keys = Counter(
        (case.workload.spec, case.stack.driver.name, case.guest, case.target_state)
        for case in cases
    )

    assert blocked == {}
    assert {case.workload.is_program for case in cases} == {True}
    assert set(keys.values()) == {2}


def test_workloads_has_each_recording_in_its_guest_with_each_sender() -> None:
    """A guest of 16 CPUs has 7 recordings and one of 60 has 5."""
    cases, blocked = expanded("workloads")
    stacks = {case.stack.name for case in cases}
    recordings = {case.workload.spec: len(case.guest.cpus) for case in cases}

    assert blocked == {}
    assert {case.why_unsupported for case in cases} == {None}
    assert Counter(recordings.values()) == {16: 7, 60: 5}
    assert len(cases) == 12 * len(stacks)
    assert {stack.partition("/")[0] for stack in stacks} >= {*bundled().overlays}


def test_workloads_has_the_guest_that_was_recorded() -> None:
    """Its CPUs have the APIC IDs of the recordings."""
    cases, _ = expanded("workloads")
    ids = {case.workload.spec: case.guest.apic_ids for case in cases}

    for name, path in recorded().items():
        own = stored.read(path).apic_ids
        assert dict(enumerate(ids[f"recorded:{name}"])) == own
