"""Runs of real guests that are ended, resumed, and started together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pvbench.results import files as result_files
from pvbench.results.rows import Row, rows
from support.helpers import DEADLINE_S
from support.kvm_runs import Begin, members, result_after, vcpus_of
from support.runs import journal_of, wait_for


def held_run(start: Begin) -> subprocess.Popen[str]:
    """A run of three boots, into ``a.json``, whose second has a guest that has run."""
    run = start("-o", "a.json", HOLD="2")
    wait_for(Path("begun"), run)
    (worker,) = (pid for pid in members(run.pid) if pid != run.pid)
    assert vcpus_of(worker) == 2
    return run


def measured(name: str) -> list[Row]:
    """The rows of a result file."""
    return rows(result_files.read(name))


def kinds(entries: list[dict[str, Any]]) -> list[str]:
    """The kind of each line of a journal."""
    return [next(iter(entry)) for entry in entries]


@pytest.mark.parametrize(
    ("number", "group", "status"),
    [
        pytest.param(signal.SIGINT, True, 130, id="ctrl-c"),
        pytest.param(signal.SIGINT, False, 130, id="interrupted"),
        pytest.param(signal.SIGTERM, False, 143, id="terminated"),
    ],
)
def test_a_signal_costs_the_boot_in_flight(
    start: Begin, number: signal.Signals, group: bool, status: int
) -> None:
    """Ctrl-C reaches the worker too.  What was finished is shown, and nothing runs on."""
    run = held_run(start)
    returned, out, err = result_after(run, number, group=group)
    plan, boot, end = journal_of(Path("a.json"))

    assert (returned, members(run.pid)) == (status, [])
    results, continues, ended = err.splitlines()
    assert (results, ended) == (
        "results: a.json",
        f"pvbench: ended early by signal {number.value}",
    )
    assert continues.endswith("-o a.json --resume` continues it")
    assert "incomplete: 1 of 3 boots" in out
    assert (plan["plan"]["boots"], boot["boot"], boot["outcome"]) == (3, 1, "ok")
    assert end == {"end": status, "signal": number.value}
    assert {row.boots for row in measured("a.json")} == {(1,)}


def test_a_run_that_is_killed_takes_its_guest_along(start: Begin) -> None:
    """Nothing can be done at SIGKILL: the kernel ends the worker, the files are whole."""
    run = held_run(start)
    returned, out, err = result_after(run, signal.SIGKILL)
    text = Path("a.jsonl").read_text()

    assert (returned, out, err, members(run.pid)) == (-signal.SIGKILL, "", "", [])
    assert kinds([json.loads(line) for line in text.splitlines()]) == [
        *("plan", "command", "boot"),
    ]
    assert text.endswith("\n")
    assert {row.boots for row in measured("a.json")} == {(1,)}


def test_a_run_that_was_killed_is_resumed(start: Begin) -> None:
    """Two boots are left; the values of the first are kept as they were."""
    result_after(held_run(start), signal.SIGKILL)
    first = [row.boots_s for row in measured("a.json")]

    resumed = start("-o", "a.json", "--resume")
    _, err = resumed.communicate(timeout=DEADLINE_S)
    book = journal_of(Path("a.json"))

    assert (resumed.returncode, err) == (0, "results: a.json\n")
    assert kinds(book) == ["plan", "boot", "boot", "boot", "end"]
    assert [entry["boot"] for entry in book[1:-1]] == [1, 2, 3]
    assert {row.boots for row in measured("a.json")} == {(1, 2, 3)}
    assert [row.boots_s[:1] for row in measured("a.json")] == first


def test_a_guest_that_is_killed_costs_its_boot(start: Begin) -> None:
    """
    The worker's end has a reason; the run goes on and ends with the status of a host's fault.
    """
    run = held_run(start)
    (worker,) = (pid for pid in members(run.pid) if pid != run.pid)
    os.kill(worker, signal.SIGKILL)
    _, err = run.communicate(timeout=DEADLINE_S)
    boots = journal_of(Path("a.json"))[1:-1]

    assert (run.returncode, err, members(run.pid)) == (5, "results: a.json\n", [])
    assert [boot["outcome"] for boot in boots] == ["ok", "failed", "ok"]
    assert boots[1]["reason"] == "the worker ended with status -9: no output on stderr"
    assert {row.boots for row in measured("a.json")} == {(1, 3)}


def test_two_runs_take_turns(start: Begin) -> None:
    """The second has no guest before the first is over; both are whole."""
    first = start("-o", "a.json", HOLD="1")
    wait_for(Path("begun"), first)
    second = start("-o", "b.json")
    assert second.stderr is not None
    message = second.stderr.readline()
    vcpu_counts = [sum(map(vcpus_of, members(run.pid))) for run in (first, second)]
    Path("go").write_text("!")
    ends = [(run.communicate(timeout=DEADLINE_S)[1], run.returncode) for run in (first, second)]

    assert message.startswith("pvbench: another timed run is under way here, waiting for it (")
    assert vcpu_counts == [2, 0]
    assert ends == [("results: a.json\n", 0), ("results: b.json\n", 0)]
    assert Path("boots").read_text() == "0 0 0 1 1 1 "
    for name in ("a.json", "b.json"):
        assert {row.boots for row in measured(name)} == {(1, 2, 3)}
        assert kinds(journal_of(Path(name))) == ["plan", "boot", "boot", "boot", "end"]
