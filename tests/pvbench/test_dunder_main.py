"""`python -m pvbench` is `pvbench`."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "status", "out"),
    [
        pytest.param(("--version",), 0, f"pvbench {version('pvbench')}\n", id="version"),
        pytest.param(
            ("--help",), 0, "usage: pvbench [-h] [--version] COMMAND ...\n", id="help"
        ),
        pytest.param((), 2, "", id="nothing"),
        pytest.param(("show",), 2, "", id="bad-input"),
    ],
)
def test_the_package_can_be_run(
    tmp_path: Path, arguments: tuple[str, ...], status: int, out: str
) -> None:
    """The same words, the same exit status, and the name that one can type."""
    output = subprocess.run(
        [sys.executable, "-m", "pvbench", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert (output.returncode, output.stdout[: len(out) or None]) == (status, out)
    assert "__main__" not in output.stderr
