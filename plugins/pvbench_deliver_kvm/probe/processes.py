"""The processes that probe: new ones of the interpreter, or forked ones, which start faster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NoReturn

from pvbench.end_with_parent import end_with_parent
from pvbench.host import lock as host_lock
from pvbench_deliver_kvm.probe import attempts

# Starts a process of `attempts.main` with these arguments; it ends with the context.  The
# value is a file descriptor from which its output can be read.
Start = Callable[[list[str]], AbstractContextManager[int]]


@contextmanager
def started(arguments: list[str]) -> Iterator[int]:
    """See `Start`: a new interpreter."""
    command = [sys.executable, "-P", "-m", attempts.__name__, *arguments, str(os.getpid())]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # closed when this process ends
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=host_lock.held(),
    ) as child:
        assert child.stdout  # noqa: S101 - a pipe
        try:
            yield child.stdout.fileno()
        finally:
            child.kill()


@contextmanager
def forked(arguments: list[str]) -> Iterator[int]:
    """See `Start`: a copy of this process, which must have one thread only."""
    (output, writing), (alive, held) = os.pipe(), os.pipe()
    parent = os.getpid()
    child = os.fork()
    if not child:
        os.close(held)
        _probe(arguments, writing, parent, alive)
    os.close(writing)
    os.close(alive)
    try:
        yield output
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(output)
        os.close(held)


def _probe(arguments: list[str], writing: int, parent: int, alive: int) -> NoReturn:
    """Do what the program does, with the output to *writing*."""
    status = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        sys.stdout = os.fdopen(writing, "w")
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - the process ends with it
        end_with_parent(parent, alive)
        attempts.serve(arguments)
        status = 0
    finally:
        os._exit(status)
