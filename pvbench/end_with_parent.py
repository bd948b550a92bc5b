"""End a process together with the process that it works for."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import threading
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


def end_with_parent(parent: int, pipe: int = 0) -> None:
    """
    End this process, with all its threads, when its parent ends for any reason.

    The signal that the kernel sends comes when the *thread* that started this process
    ends; the end of the pipe comes when the parent process does.

    Args:
        parent: process ID of the parent, as the parent knows it.
        pipe: file descriptor of a pipe that only the parent can write to.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() not in (parent, 0):  # it ended before; 0 is of another PID namespace
        end_now()
    threading.Thread(target=_end_with_pipe, args=(pipe,), daemon=True).start()


def terminated_with_parent() -> Callable[[], None]:
    """
    A function for a child to call before it executes its program: the child gets SIGTERM
    when the thread that started it ends.
    """
    parent, prctl = os.getpid(), ctypes.CDLL(None).prctl

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before
            end_now()

    return prepare


def end_after(seconds: float) -> None:
    """End this process by SIGALRM after some time, whatever it is doing."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def no_longer_end() -> None:
    """Take back the time that `end_after` set."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def end_now() -> None:
    """End without any clean-up; the kernel closes the guest."""
    os.kill(os.getpid(), signal.SIGKILL)


def _end_with_pipe(pipe: int) -> None:
    poll = select.poll()
    poll.register(pipe, 0)  # no event but that all writers are gone
    poll.poll()
    end_now()
