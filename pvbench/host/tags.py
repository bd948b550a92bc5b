"""The tags of a run: the tox environment and the git revision."""

from __future__ import annotations

import os
import subprocess

from pvbench.errors import UsageError
from pvbench.text import printable


def tags() -> dict[str, str | int | float]:
    """The facts that distinguish runs of equal plans: tox environment and git revision."""
    values = {"pvbench_tox_env": tox_env(), "pvbench_git": _revision()}
    return {name: value for name, value in values.items() if value}


def tox_env() -> str | None:
    """
    The name of the tox environment that this process runs in.

    Raises:
        UsageError: the name cannot be stored.
    """
    name = os.environ.get("TOX_ENV_NAME")
    return one_line(name, "TOX_ENV_NAME") if name else None


def one_line(text: str, origin: str) -> str:
    """
    *text*, which a result file can store and a file name can contain.

    Raises:
        UsageError: the text is blank, has blanks at its ends or cannot be printed in a line.
    """
    if not text or text != text.strip() or not text.isprintable():
        raise UsageError(
            f"{origin} {text!r} cannot be stored",
            fix="Give one line of printable text without blanks at its ends.",
        )
    return text


def _revision() -> str | None:
    """
    The git revision of the current directory, with ``-dirty`` if tracked files have changed.
    """
    command = ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    try:
        process = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError:
        return None
    return printable(process.stdout.strip()) or None
