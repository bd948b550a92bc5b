"""Programs of the system that are run for their output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench_site_lab import programs
from support.fifo import has_no_writer


def test_a_program_runs_in_a_folder_with_english_messages(tmp_path: Path) -> None:
    """What it prints and its status are returned."""
    command = ["sh", "-c", 'pwd; echo "$LC_ALL" >&2; exit 3']

    done = programs.run(command, tmp_path, 60.0, missing="")

    assert (done.returncode, done.stdout, done.stderr) == (3, f"{tmp_path}\n", "C\n")


def test_a_program_can_write_to_a_log(tmp_path: Path) -> None:
    """Its output and its messages are there in the order in which they were written."""
    command = ["sh", "-c", "echo output; echo message >&2; echo more; exit 3"]

    done = programs.run(command, tmp_path, 60.0, missing="", log=tmp_path / "log")

    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    assert (tmp_path / "log").read_text() == "output\nmessage\nmore\n"


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    """With what the user can do."""
    with pytest.raises(UnavailableError, match=r"no program nosuch.*apt-get install nosuch"):
        programs.run(["nosuch"], tmp_path, 1.0, missing="apt-get install nosuch")


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """With what the user can do."""
    with pytest.raises(UnavailableError, match=r"sleep is not done within 0\.01 s.*Try again"):
        programs.run(["sleep", "60"], tmp_path, 0.01, missing="", late="Try again.")


STARTER = """
import sys
from pathlib import Path
from pvbench_site_lab import programs
programs.run(["sh", "-c", f"exec sleep 100000 > {sys.argv[1]}"], Path("/"), 1e5, missing="")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_program_ends_with_the_command_that_started_it(tmp_path: Path, number: int) -> None:
    """Otherwise make would go on to compile a kernel."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    command = [sys.executable, "-c", STARTER, str(fifo)]
    with subprocess.Popen(command) as starter, fifo.open("rb") as reader:
        starter.send_signal(number)  # once the program has opened the FIFO

        assert has_no_writer(reader)


def test_the_children_of_a_program_that_takes_too_long_end_with_it(tmp_path: Path) -> None:
    """As the compilers that make has started."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    command = ["sh", "-c", f"sleep 100000 > {fifo}; true"]
    with open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        fifo.open("wb").close()  # from now on a missing writer is a hang-up
        with pytest.raises(UnavailableError, match=r"sh is not done within 0\.5 s"):
            programs.run(command, tmp_path, 0.5, missing="")

        assert has_no_writer(reader)
