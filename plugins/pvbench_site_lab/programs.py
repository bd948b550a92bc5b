"""Run a program of the system for its output."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from pvbench.end_with_parent import terminated_with_parent
from pvbench.errors import UnavailableError
from pvbench.process_group import kill_group


def run(
    command: list[str],
    folder: Path,
    limit_s: float,
    *,
    missing: str,
    late: str = "",
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """
    Run *command* in *folder*; its messages are in English, and the programs that it starts
    end with it.

    Args:
        command: its name, and its arguments.
        folder: the current folder of the program.
        limit_s: the longest time that it may take.
        missing: what the user can do if there is no such program.
        late: what the user can do if it takes longer.
        environment: what is different in its environment.
        log: a file for its output and its messages, which then are not returned.

    Raises:
        UnavailableError: it is missing, or takes too long.
        OSError: *log* cannot be written.
    """
    if shutil.which(command[0]) is None:
        raise UnavailableError(f"there is no program {command[0]}", fix=missing)
    with log.open("wb") if log else nullcontext(subprocess.PIPE) as target:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"LC_ALL": "C"} | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=subprocess.STDOUT if log else subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,
            preexec_fn=terminated_with_parent(),  # noqa: PLW1509 - it only calls prctl
        )
    with process:
        try:
            output, messages = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            what = f"{command[0]} is not done within {limit_s:g} s"
            raise UnavailableError(what, fix=late) from None
        finally:
            kill_group(process)  # also after a Ctrl-C, which is for pvbench alone
    texts = output or "", messages or ""
    return subprocess.CompletedProcess(command, process.returncode, *texts)
