"""Workers that do one job after another."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pvbench import shared_workers
from pvbench.errors import ProtocolError, WorkerError
from pvbench.protocol import ErrorReport, SliceReport, Turn
from pvbench.shared_workers import SharedWorkers
from support.helpers import DEADLINE_S
from support.jobs import job

# It notes its process ID beside its reports, and then does as it is told.
NOTED = """
import os, sys
from pvbench.protocol import Done, SliceReport, encode, decode
from pvbench.run import worker
open("pids", "a").write(f"{os.getpid()}\\n")
"""
REAL = NOTED + "worker.main()"


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The process IDs of the workers are noted there."""
    monkeypatch.chdir(tmp_path)
    Path("pids").touch()


@pytest.fixture
def shared() -> Iterator[SharedWorkers]:
    """Workers that run the program of a real one."""
    workers = SharedWorkers((sys.executable, "-c", REAL, "--stay"))
    yield workers
    workers.end()


def pids() -> list[int]:
    """The process IDs of the workers that were started, in their order."""
    return [int(line) for line in Path("pids").read_text().split()]


def slices(workers: SharedWorkers, timeout_s: float = DEADLINE_S) -> list[int]:
    """The numbers of the slices that a job reports."""
    reports = workers.reports_of(job(), timeout_s=timeout_s)
    return [report.number for report in reports if isinstance(report, SliceReport)]


def test_jobs_of_several_threads_share_a_worker(
    shared: SharedWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It outlives the threads, and a worker ends with the thread that started it."""
    monkeypatch.setattr(shared_workers, "_START_S", DEADLINE_S)
    for _ in range(3):
        with ThreadPoolExecutor() as threads:
            assert [*threads.map(slices, [shared, shared])] == [[0, 1], [0, 1]]

    assert len(pids()) == 1


def test_a_job_that_waits_long_gets_another_worker(
    shared: SharedWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first worker is in the middle of its job."""
    monkeypatch.setattr(shared_workers, "_START_S", 0.001)
    first = shared.reports_of(job(), timeout_s=DEADLINE_S)
    next(first)

    assert slices(shared) == [0, 1]
    assert len([*first]) == 1
    assert len(pids()) == 2


def test_a_worker_that_was_killed_while_it_was_idle_costs_no_job(
    shared: SharedWorkers,
) -> None:
    """The next job gets a new one."""
    slices(shared)
    (pid,) = pids()
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    assert slices(shared) == [0, 1]
    assert len(pids()) == 2


def test_a_worker_that_is_killed_costs_the_job_that_it_does(shared: SharedWorkers) -> None:
    """The job fails as in a worker of its own; the next one has a new worker."""
    long = job()._replace(schedule=(Turn(0, 2, 1),) * 2000)  # more than a pipe can hold
    reports = shared.reports_of(long, timeout_s=DEADLINE_S)
    next(reports)
    os.kill(pids()[0], signal.SIGKILL)
    with pytest.raises(WorkerError, match="the worker ended with status -9"):
        list(reports)

    assert slices(shared) == [0, 1]


def test_a_job_that_fails_ends_its_worker(shared: SharedWorkers) -> None:
    """Nothing is known about the state in which it is."""
    failing = job()._replace(worker_data=b"\xf7")
    (report,) = shared.reports_of(failing, timeout_s=DEADLINE_S)

    assert isinstance(report, ErrorReport)
    assert slices(shared) == [0, 1]
    assert len(pids()) == 2


def test_an_abandoned_job_ends_its_worker(shared: SharedWorkers) -> None:
    """No job would read its next reports."""
    reports = shared.reports_of(job(), timeout_s=DEADLINE_S)
    next(reports)
    reports.close()

    assert slices(shared) == [0, 1]
    assert len(pids()) == 2


@pytest.mark.parametrize(
    ("code", "error", "reason"),
    [
        pytest.param("sys.stdin.read()", WorkerError, "longer than 0.2 s", id="hangs"),
        pytest.param(
            "print(encode(Done()), end='', flush=True); sys.stdin.read()",
            ProtocolError,
            "it sends Done out of turn",
            id="is-done-too-early",
        ),
    ],
)
def test_a_worker_that_does_not_do_its_job_is_ended(
    code: str, error: type[Exception], reason: str
) -> None:
    """As one that does one job only."""
    workers = SharedWorkers((sys.executable, "-c", NOTED + code, "--stay"))
    with pytest.raises(error, match=reason):
        slices(workers, 0.2 if error is WorkerError else DEADLINE_S)
    workers.end()

    for pid in pids():  # none if it ended before it noted its own
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_no_worker_is_left_at_the_end(shared: SharedWorkers) -> None:
    """A later job has a worker of its own, which ends with it."""
    slices(shared)
    shared.end()
    slices(shared)

    for pid in pids():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
