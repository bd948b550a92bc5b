"""A whole run in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.errors import SideError, Status
from pvbench.run.side import Side
from pvbench.run.whole_runs import run_whole


def side(tmp_path: Path, body: str) -> Side:
    """A side whose interpreter is a shell script; its last argument is the file."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nfor file; do :; done\n{body}\n")
    program.chmod(0o755)
    return Side(
        name="a",
        python=str(program),
        words=("live",),
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


def test_a_run_that_measures_nothing_is_an_error(tmp_path: Path) -> None:
    """With its status and its last sentence."""
    complaint = "echo 'pvbench: a\npvbench: no device\nother' >&2; exit 3"
    with pytest.raises(SideError, match="a run ended with status 3: no device") as error:
        run_whole(side(tmp_path, complaint), tmp_path / "x.json")

    assert error.value.status == Status.NOTHING_MEASURED
