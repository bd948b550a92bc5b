"""The machine: its name, what tags a run on it, and its lock."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


def cpu_model() -> str:
    """The CPU's model name; ``unknown`` where the kernel does not tell."""
    try:
        text = _CPUINFO.read_text()
    except OSError:
        return "unknown"
    match = re.search(r"^model name[ \t]*:[ \t]*(.*)$", text, re.MULTILINE)
    return (match[1].strip() if match else "") or "unknown"


def name() -> str:
    """Folder name from CPU model and count, never from the host's name."""
    model = re.sub(r"\(r\)|\(tm\)|\bcpu\b|@.*", " ", cpu_model().lower())
    slug = re.sub(r"[^a-z0-9]+", "-", model).strip("-") or "unknown"
    return f"{slug}-{os.cpu_count()}cpu"


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
