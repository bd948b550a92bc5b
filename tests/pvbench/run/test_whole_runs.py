"""A whole run in a process of its own."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from pvbench.errors import SideError, Status
from pvbench.run.side import Side
from pvbench.run.whole_runs import run_whole
from support.helpers import DEADLINE_S
from support.runs import wait_for


def side(tmp_path: Path, body: str) -> Side:
    """A side whose interpreter is a shell script; its last argument is the file."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nfor file; do :; done\n{body}\n")
    program.chmod(0o755)
    return Side(
        name="a",
        python=str(program),
        words=("live",),
        site="local",
        path=tmp_path / "a.json",
        environment={"WORD": "word"},
        timeout_s=1,
    )


def test_a_run_gets_its_options_and_its_environment(tmp_path: Path) -> None:
    """It is an ordinary one."""
    path = tmp_path / "x.json"
    run_whole(side(tmp_path, 'echo "$WORD $*" > "$file"'), path)

    assert path.read_text() == f"word -P -m pvbench run live -q -o {path}\n"


def test_a_run_with_a_failed_boot_counts(tmp_path: Path) -> None:
    """It has measured other boots, whichever status it ends with."""
    path = tmp_path / "x.json"
    run_whole(side(tmp_path, 'echo > "$file"; exit 5'), path)

    assert path.exists()


RUNS = """
import sys
from pathlib import Path
from pvbench.run.side import Side
from pvbench.run.whole_runs import run_whole
folder = Path(sys.argv[1])
side = Side(name="a", python=str(folder / "python"), words=(), site="local",
            path=folder / "a.json", environment={}, timeout_s=1)
run_whole(side, folder / "x.json")
"""
WAITS = """#!{python}
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.write(os.open("begun", os.O_WRONLY), b"!")
signal.sigwait([signal.SIGTERM])
os.write(os.open("ended", os.O_WRONLY), b"!")
"""


def test_a_run_ends_with_the_process_that_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL ends `pvbench noise` at once, and its run must not go on for minutes."""
    monkeypatch.chdir(tmp_path)
    for name in ("begun", "ended"):
        os.mkfifo(name)
    program = Path("python")
    program.write_text(WAITS.format(python=sys.executable))
    program.chmod(0o755)
    with subprocess.Popen([sys.executable, "-c", RUNS, str(tmp_path)], text=True) as noise:
        wait_for(Path("begun"), noise)
        ended = os.open("ended", os.O_RDONLY | os.O_NONBLOCK)
        noise.kill()

    assert select.select([ended], [], [], DEADLINE_S)[0]
    os.close(ended)


def test_a_run_that_measures_nothing_is_an_error(tmp_path: Path) -> None:
    """With its status and its last sentence."""
    complaint = "echo 'pvbench: a\npvbench: no device\nother' >&2; exit 3"
    with pytest.raises(SideError, match="a run ended with status 3: no device") as error:
        run_whole(side(tmp_path, complaint), tmp_path / "x.json")

    assert error.value.status == Status.NOTHING_MEASURED
