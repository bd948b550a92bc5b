"""The workers of a session, which another thread can end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from shlex import quote

import pytest

from pvbench import started_worker
from pvbench.started_worker import StartedWorker, Workers
from support.fifo import has_no_writer
from support.helpers import DEADLINE_S

WAITING = (sys.executable, "-c", "import sys; print('begun', flush=True); sys.stdin.read()")


def started() -> StartedWorker:
    """A worker that waits, and has said that it has begun."""
    worker = StartedWorker.started(WAITING, (), lambda line: None)
    assert worker.process.stdout
    worker.process.stdout.readline()
    return worker


def test_all_workers_under_way_are_ended() -> None:
    """Each has ended when the call returns."""
    workers, both = Workers(), (started(), started())
    with workers.holding(both[0].process), workers.holding(both[1].process):
        workers.end()
        statuses = [worker.process.poll() for worker in both]
    for worker in both:
        worker.end()

    assert statuses == [-signal.SIGKILL] * 2


def test_a_worker_that_is_no_longer_under_way_is_left_alone() -> None:
    """Its boot is over."""
    workers, worker = Workers(), started()
    with workers.holding(worker.process):
        pass
    workers.end()
    status = worker.process.poll()
    worker.end()

    assert status is None


def test_a_thread_that_waits_for_a_message_goes_on_when_the_workers_are_ended() -> None:
    """The output of a worker ends with it."""
    workers, worker = Workers(), started()
    messages: list[object] = []
    with workers.holding(worker.process):
        reader = threading.Thread(target=lambda: messages.extend(worker.messages()))
        reader.start()
        workers.end()
        reader.join(DEADLINE_S)
    worker.end()

    assert (messages, reader.is_alive()) == ([], False)


def started_shell(script: str, argument: str = "") -> StartedWorker:
    """A worker that is a shell, and has said that it has begun."""
    worker = StartedWorker.started(("sh", "-c", script, argument), (), lambda line: None)
    assert worker.process.stdout
    assert worker.process.stdout.readline() == "begun\n"
    return worker


@pytest.mark.parametrize("way", ["end", "expire", "session"])
def test_the_programs_of_a_wrapper_end_with_it(tmp_path: Path, way: str) -> None:
    """As those of `sh -c` and ssh, which also keep the outputs of the worker open."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    worker = started_shell('echo begun; cat /dev/zero > "$0"; true', str(fifo))
    with fifo.open("rb") as reader:  # which waits for the program
        if way == "end":
            assert worker.end() == -signal.SIGKILL
        elif way == "expire":
            worker.expire()
        else:
            workers = Workers()
            with workers.holding(worker.process):
                workers.end()

        assert has_no_writer(reader)
    worker.end()
    assert not worker.drain.is_alive()


def test_a_child_that_keeps_standard_error_open_does_not_hold_up_the_end_of_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in a session of its own may live longer; its last lines are lost."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    monkeypatch.setattr(started_worker, "_DRAIN_S", 0.01)
    child = 'echo begun; cat "$0" > /dev/null'
    worker = started_shell(f"setsid sh -c {quote(child)} $0; true", str(fifo))

    assert worker.end() == -signal.SIGKILL
    assert worker.drain.is_alive()
    fifo.write_text("")
    worker.drain.join(DEADLINE_S)
    assert not worker.drain.is_alive()
