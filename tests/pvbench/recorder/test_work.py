"""What is recorded."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench.recorder import work
from support.helpers import DEADLINE_S


def test_a_command_has_an_exit_status() -> None:
    """It is the one that the shell would show."""
    assert work.command([sys.executable, "-c", "raise SystemExit(3)"])() == 3


def test_what_a_command_prints_is_no_result(capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output has the results of pvbench."""
    work.command([sys.executable, "-c", "print('hello')"])()

    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


def test_a_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no other effect."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)

    assert (work.waiting(2.5)(), waits) == (0, [2.5])


def test_a_command_that_cannot_be_run_is_refused() -> None:
    """The sentence quotes it."""
    with pytest.raises(UsageError, match="'/no/such' cannot be run: No such file"):
        work.command(["/no/such"])()
    with pytest.raises(UsageError, match="cannot be run: embedded null byte"):
        work.command(["a\0b"])()


@pytest.mark.parametrize("on_sigterm", ["", "signal.signal(15, signal.SIG_IGN); "])
def test_a_command_ends_with_the_recorder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_sigterm: str
) -> None:
    """One that ignores SIGTERM is killed."""
    monkeypatch.setattr(work, "_PATIENCE_S", 0.01 if on_sigterm else DEADLINE_S)
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    code = (
        f"import os, signal; {on_sigterm}"
        f"open({str(ready)!r}, 'w').write(str(os.getpid())); signal.pause()"
    )
    pids: list[int] = []

    def wait(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout is None and not pids:
            pids.append(int(ready.read_text()))
            raise KeyboardInterrupt
        return original(process, timeout)

    original = subprocess.Popen.wait
    monkeypatch.setattr(subprocess.Popen, "wait", wait)
    with pytest.raises(KeyboardInterrupt):
        work.command([sys.executable, "-c", code])()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
