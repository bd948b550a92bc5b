"""The end of a process group."""

from __future__ import annotations

import signal
import subprocess

from pvbench.process_group import kill_group


def test_a_group_is_killed_once() -> None:
    """Later its ID may be that of another process."""
    process = subprocess.Popen(["sleep", "600"], process_group=0)
    kill_group(process)
    status = process.wait()
    kill_group(process)

    assert status == -signal.SIGKILL
