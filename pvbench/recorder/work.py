"""What is traced: a command of the user, or whatever happens in some seconds."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Final

from pvbench.errors import UsageError

_PATIENCE_S: Final = 5.0  # until a command that is told to end is killed
_STDERR: Final = 2
Work = Callable[[], int]  # returns the exit status


def waiting(seconds: float) -> Work:
    """Wait for some *seconds*."""

    def work() -> int:
        time.sleep(seconds)
        return 0

    return work


def command(words: Sequence[str]) -> Work:
    """Run a command; what it prints goes to standard error."""

    def work() -> int:
        process = _started(words)
        try:
            return process.wait()
        finally:
            _end(process)

    return work


def _started(words: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(words, stdout=_STDERR)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{words[0]!r} cannot be run", why=str(reason)) from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command that is running, because this process is told to end."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
