"""`pvbench noise`, and the allowance that `pvbench compare` takes from it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import attrs
import pytest

from pvbench.errors import SideError, Status
from pvbench.results import noise
from pvbench.run import whole_runs
from pvbench.run.ab import Session
from pvbench.run.side import Side
from support.plugin_sources import delivery_around_the_model
from support.runs import HOST_FOLDER, AddPlugin, Cli, file_of, row_of

ONE = ("norov", "--driver", "x2apic-physical", "--vcpus", "4", "-q", "-k", "normal")
FOLDER = HOST_FOLDER / "noise"
PLAN = {
    "format": 1,
    "boots": 8,
    "effort": {"slices": 4, "loops": 100, "warmup": 9, "slice_s": 1},
}


@pytest.fixture
def timed(add_plugin: AddPlugin) -> tuple[str, ...]:
    """Options of runs whose clock is noisy."""
    add_plugin("timed", delivery_around_the_model("timed", noisy=True))
    return ("-p", "timed", "--delivery", "timed", "--fast")


def test_pairs_of_boots_and_of_runs_are_measured_and_stored(
    cli: Cli, timed: tuple[str, ...]
) -> None:
    """The model under the noisy clock does not vary, so nothing differs."""
    options = ("--sender", "native", "--boots", "2", "--sessions", "1")
    done = cli("noise", *ONE, *timed, *options)
    boots, runs = noise.read(noise.path_here())
    case = "norov.normal-ipi x2apic-physical dense:4 halted linux-4.19 timed@local skylake-2018"
    name = f"{case} wall"

    assert done.status == 0, done.err
    assert "Both sides are equal: 0 of 1 pair got a false verdict" in done.out
    assert "boots detect in 90 % of the comparisons: 0 %." in done.out
    assert (boots.kind, boots.boots, boots.values) == ("boots", 2, {f"{name} median": 0.0})
    assert (runs.kind, runs.boots, runs.values[f"{name} p99"]) == ("runs", 2, 0.0)
    assert len(runs.values) > 5  # all series, by all statistics
    assert sorted(path.name[16:] for path in FOLDER.glob("*.json")) == [
        "-norov-a.json",
        "-norov-b.json",
    ]


@pytest.mark.parametrize(
    ("end", "status"),
    [
        pytest.param({"signal": signal.SIGTERM}, 143, id="signal"),
        pytest.param({"failed": True, "status": Status.ENVIRONMENT}, 5, id="error"),
    ],
)
def test_a_session_of_boots_that_ends_early_ends_all(
    cli: Cli,
    timed: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    end: dict[str, Any],
    status: int,
) -> None:
    """No whole run follows, and nothing is stored, though both sides have all their boots."""
    take, runs = Session.take, list[Path]()
    monkeypatch.setattr(Session, "take", lambda it: attrs.evolve(take(it), **end))
    monkeypatch.setattr(whole_runs, "run_whole", lambda _, path: runs.append(path))
    done = cli("noise", *ONE, *timed, "--sender", "native", "--boots", "1")
    a, b = sorted(FOLDER.glob("*.json"))

    assert (done.status, done.out, runs) == (status, "", [])
    assert ("pvbench: ended early by signal 15\n" in done.err) == (status == 143)
    assert f"results of side a: {a}\nresults of side b: {b}\n" in done.err
    assert not noise.path_here().exists()


def test_an_error_in_a_whole_run_ends_the_sessions(
    cli: Cli, timed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is printed, no other session begins, and the boots are reported."""
    runs = list[Path]()

    def failing(side: Side, path: Path) -> None:
        runs.append(path)
        raise SideError("a run ended with status 5", why="no memory", status=5)

    monkeypatch.setattr(whole_runs, "run_whole", failing)
    done = cli("noise", *ONE, *timed, "--sender", "native", "--boots", "1")

    assert (done.status, len(runs)) == (5, 1)
    assert "the sessions end early: a run ended with status 5: no memory\n" in done.err
    assert "Both sides are equal" in done.out
    assert [line.kind for line in noise.read(noise.path_here())] == ["boots"]


def test_an_exact_clock_is_refused_before_the_first_boot(cli: Cli) -> None:
    """One sentence is printed, and no side has a file."""
    done = cli("noise", *ONE, "--sender", "native")

    assert (done.status, list(FOLDER.iterdir())) == (2, [])
    assert done.err == (
        "pvbench: there is no noise to measure: the clock is not noisy. "
        "Give --delivery kvm or live at site local.\n"
    )


def test_without_a_boot_that_succeeds_there_is_no_noise(
    cli: Cli, add_plugin: AddPlugin
) -> None:
    """The whole runs are not started."""
    add_plugin("fails", delivery_around_the_model("fails", noisy=True, before_boot="1 / 0"))
    options = ("-p", "fails", "--delivery", "fails", "--fast", "--sender", "native")
    done = cli("noise", *ONE, *options, "--boots", "1")

    assert (done.status, noise.path_here().exists()) == (5, False)
    assert "nothing was measured, so the noise is not known" in done.err


@pytest.mark.parametrize(
    ("options", "error"),
    [
        pytest.param(
            ("--sessions", "-1"), "--sessions -1 is negative. Give 0 or more", id="sessions"
        ),
        pytest.param(("--dry-run",), "there is no option called '--dry-run'", id="dry-run"),
        pytest.param(("--until", "settled"), "there is no option called '--until'", id="until"),
        pytest.param(
            ("--over", "soon"), "'soon' is not a time: write 90s, 30m or 2h", id="over"
        ),
    ],
)
def test_wrong_usage_measures_nothing(cli: Cli, options: tuple[str, ...], error: str) -> None:
    """The exit status is 2, and there is no file."""
    done = cli("noise", *ONE, *options)

    assert (done.status, os.listdir()) == (2, [])
    assert error in done.err


def test_the_help_has_no_plan_without_a_measurement(cli: Cli) -> None:
    """`run` and `ab` have --dry-run."""
    shown = {name: "--dry-run" in cli(name, "-h").out for name in ("run", "ab", "noise")}

    assert shown == {"run": True, "ab": True, "noise": False}


@pytest.mark.parametrize("name", ["ab", "noise"])
def test_the_help_names_both_files_and_the_seed_of_a_session(cli: Cli, name: str) -> None:
    """A run has one file, and the seed 0."""
    shown = cli(name, "-h").out

    assert "create FILE-a.json and FILE-b.json" in shown
    assert "seed of the order of boots and cases (a new one each time)" in shown
    assert "seed of the order of boots and cases (0)" in cli("run", "-h").out


@pytest.fixture
def files(cli: Cli) -> list[str]:
    """Two runs of one host, measured one after the other; the second takes 20 % less."""
    names = []
    for name, times in (("a", 1.0), ("b", 0.8)):
        boots = [times * (1 + 0.001 * (n % 3)) for n in range(8)]
        row = row_of(
            "broadcast", "x2apic-physical", *boots, clock="wall", host_cpu_model="Xeon"
        )
        names.append(file_of(Path(f"{name}.json"), attrs.evolve(row, boots=tuple(range(1, 9)))))
        Path(f"{name}.jsonl").write_text(f"{json.dumps({'plan': PLAN})}\n")
    return names


def sessions(*ratios: float) -> None:
    """Sessions of that host whose runs differed by *ratios*."""
    row = row_of("broadcast", "x2apic-physical", 1.0, host_cpu_model="Xeon")
    conditions = attrs.asdict(noise.conditions_of(row.facts, PLAN, 8))
    for ratio in ratios:
        noise.append(
            noise.Line(
                kind="runs", values={noise.key(row.name, row.statistic): ratio}, **conditions
            )
        )


def test_without_sessions_files_that_were_not_interleaved_have_no_verdict(
    cli: Cli, files: list[str]
) -> None:
    """Nothing tells how far equal runs differ here."""
    done = cli("compare", *files)

    assert (done.status, "not interleaved" in done.out) == (4, True)


def test_a_difference_beyond_the_allowance_is_a_verdict(cli: Cli, files: list[str]) -> None:
    """Three sessions within 2 % allow for about 6 %."""
    sessions(0.02, -0.02, 0.01)
    done = cli("compare", *files)

    assert (done.status, "faster" in done.out) == (0, True)
    assert cli("compare", *reversed(files)).status == 1


def test_a_difference_within_the_allowance_is_none(cli: Cli, files: list[str]) -> None:
    """Equal runs have differed by 20 % before."""
    sessions(0.2, -0.2, 0.1)
    done = cli("compare", *files)

    assert (done.status, "equal runs of this host differ as much" in done.out) == (4, True)


def test_measurements_beside_the_baseline_are_used_too(cli: Cli, files: list[str]) -> None:
    """Results may come from another machine, together with its noise."""
    sessions(0.02, -0.02, 0.01)
    noise.path_here().rename("noise.jsonl")

    assert cli("compare", *files).status == 0


def test_a_malformed_file_is_named(cli: Cli, files: list[str]) -> None:
    """One sentence, exit status 2."""
    Path("noise.jsonl").write_text("!\n")
    done = cli("compare", *files)

    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "noise.jsonl is malformed: it is not JSON" in done.err


def test_a_timed_run_says_how_many_boots_its_senders_need(
    cli: Cli, timed: tuple[str, ...]
) -> None:
    """Two senders make a pair; one alone is compared with nothing, and quiet is quiet."""
    loud = [word for word in ONE if word != "-q"]
    two = cli("run", *loud, *timed, "--sender", "native,kvm-pv", "--boots", "1")
    one = cli("run", *loud, *timed, "--sender", "native", "--boots", "1")
    quiet = cli("run", *ONE, *timed, "--sender", "native,kvm-pv", "--boots", "1")

    assert (
        "pvbench: 1 pair of senders: a difference of 5 % takes 6 boots to be detected in 90 % "
        "of the runs, if the standard deviation between boots is 2 %; this run has 1\n"
    ) in two.err
    assert "senders" not in one.err + quiet.err
