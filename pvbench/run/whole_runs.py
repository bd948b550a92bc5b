"""Whole runs in processes of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pvbench.end_with_parent import terminated_with_parent
from pvbench.errors import SideError
from pvbench.run.side import Side


def run_whole(side: Side, path: Path) -> None:
    """
    Run *side* without pauses into *path*; the run ends when this call or this process does.

    Boots that fail are part of the noise.

    Raises:
        SideError: it measures nothing.
    """
    process = subprocess.Popen(
        side.command("-q", "-o", str(path)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | side.environment,
        process_group=0,
        preexec_fn=terminated_with_parent(),  # noqa: PLW1509 - it needs no lock
        text=True,
        errors="replace",
    )
    try:
        _, complaints = process.communicate()
    finally:
        process.terminate()
        process.wait()
    if not path.exists():
        last = [line for line in complaints.splitlines() if line.startswith("pvbench: ")][-1:]
        why = last[0].removeprefix("pvbench: ") if last else "it printed nothing"
        raise SideError(
            f"a run ended with status {process.returncode}",
            why=why,
            status=process.returncode,
        )
