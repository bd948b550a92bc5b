"""Programs of the system that are run for their output."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench_site_lab import programs


def test_a_program_runs_in_a_folder_with_english_messages(tmp_path: Path) -> None:
    """What it prints and its status are returned."""
    command = ["sh", "-c", 'pwd; echo "$LC_ALL" >&2; exit 3']

    done = programs.run(command, tmp_path, 60.0, missing="")

    assert (done.returncode, done.stdout, done.stderr) == (3, f"{tmp_path}\n", "C\n")


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    """With what the user can do."""
    with pytest.raises(UnavailableError, match=r"no program nosuch.*apt-get install nosuch"):
        programs.run(["nosuch"], tmp_path, 1.0, missing="apt-get install nosuch")


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """With what the user can do."""
    with pytest.raises(UnavailableError, match=r"sleep is not done within 0\.01 s.*Try again"):
        programs.run(["sleep", "60"], tmp_path, 0.01, missing="", late="Try again.")
