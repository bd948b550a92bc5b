"""What tags a run: the tox environment and the git revision."""

from __future__ import annotations

import os
import subprocess


def tags() -> dict[str, str | int | float]:
    """What tells runs apart that ran the same: the tox environment and the git revision."""
    found = {"pvbench_tox_env": tox_env(), "pvbench_git": _revision()}
    return {name: value for name, value in found.items() if value}


def tox_env() -> str | None:
    """Name of the tox environment this runs in."""
    return os.environ.get("TOX_ENV_NAME")


def _revision() -> str | None:
    """Of the directory a run is started in; ``-dirty`` if tracked files have changed."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None
