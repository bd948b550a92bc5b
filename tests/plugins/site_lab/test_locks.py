"""Locks of files."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest

from pvbench_site_lab.locks import locked


def test_a_lock_is_refused_to_one_who_does_not_wait(tmp_path: Path) -> None:
    """It is free after the block."""
    with (
        locked(tmp_path / "a"),
        pytest.raises(BlockingIOError),
        locked(tmp_path / "a", waits=False),
    ):
        raise AssertionError
    with locked(tmp_path / "a", waits=False):
        pass


def test_a_lock_that_was_removed_while_one_waited_is_not_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may already have the new one."""
    path, flock = tmp_path / "a", fcntl.flock
    files: list[int] = []

    def slow_flock(file: int, operation: int) -> None:
        if not files:
            path.unlink()
        files.append(file)
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", slow_flock)
    with locked(path):
        assert path.exists()
    assert len(files) == 2


def test_only_one_thread_is_in_a_block(tmp_path: Path) -> None:
    """The others wait for it."""
    inside, most = 0, []

    def enter() -> None:
        nonlocal inside
        with locked(tmp_path / "a"):
            inside += 1
            most.append(inside)
            inside -= 1
            (tmp_path / "a").unlink()

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert most == [1] * 8
