"""A process that works for another one ends with it, however that one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from support.helpers import DEADLINE_S

WAITS = """
import sys, threading
from pvbench.end_with_parent import end_after, end_with_parent
end_with_parent(int(sys.argv[1]))
print("ready", flush=True)
{then}
threading.Event().wait()
"""


def started(parent: int, last_lines: str = "") -> subprocess.Popen[str]:
    """A process that waits for ever, and takes *parent* for its parent."""
    return subprocess.Popen(
        [sys.executable, "-c", WAITS.format(then=last_lines), str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_it_ends_at_the_end_of_the_pipe() -> None:
    """A signal at the parent's end would come for a thread of the parent as well."""
    with started(os.getpid()) as child:
        assert child.stdin
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        assert child.poll() is None
        child.stdin.close()

        assert child.wait(DEADLINE_S) == -signal.SIGKILL


def test_it_ends_at_once_if_its_parent_has_ended_before() -> None:
    """The parent that it has by then is another process."""
    with started(os.getppid()) as child:
        assert child.wait(DEADLINE_S) == -signal.SIGKILL


def test_it_does_not_end_at_a_deadline_that_was_taken_back() -> None:
    """The job that had it is done."""
    code = "from pvbench.end_with_parent import no_longer_end\nend_after(9)\nno_longer_end()"
    timer = "import signal; print(signal.getitimer(signal.ITIMER_REAL), flush=True)"
    with started(os.getpid(), f"{code}\n{timer}") as child:
        assert child.stdout
        lines = [child.stdout.readline() for _ in range(2)]
        child.kill()

    assert lines == ["ready\n", "(0.0, 0.0)\n"]


@pytest.mark.parametrize("spin", ["", "while True: pass"])
def test_it_ends_at_its_own_deadline(spin: str) -> None:
    """A manager that was stopped cannot end any worker."""
    with started(os.getpid(), f"end_after(0.05)\n{spin}") as child:
        assert child.wait(DEADLINE_S) == -signal.SIGALRM
