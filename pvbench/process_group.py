"""End a process together with the processes that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Any


def kill_group(process: subprocess.Popen[Any]) -> None:
    """
    Kill *process*, which leads a process group, and its whole group.

    A process that was waited for is left alone, because its ID may be another's by now.
    """
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
