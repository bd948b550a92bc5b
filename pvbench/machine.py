"""The machine: its name, what tags a run on it, and its lock."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pvbench.errors import UnavailableError

_CPUINFO = Path("/proc/cpuinfo")
LOCK = Path("/tmp/pvbench.lock")  # noqa: S108 - one place for all users of a machine


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


def say(text: str) -> None:
    """What the user should know of before there are results."""
    print(f"pvbench: {text}", file=sys.stderr)


@contextmanager
def alone(say: Callable[[str], None]) -> Iterator[None]:
    """
    Keep other timed runs of this machine waiting; tell *say* if this one has to wait.

    The lock goes with the process, however it ends.

    Raises:
        UnavailableError: its file cannot be opened.
    """
    file = _open_lock()
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another timed run is under way here, waiting for it ({LOCK})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _open_lock() -> int:
    """Anybody's file will do: locking needs no more than reading."""
    try:
        with suppress(FileNotFoundError):
            return os.open(LOCK, os.O_RDONLY | os.O_NOFOLLOW)
        file = os.open(LOCK, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise UnavailableError(
            f"{LOCK} cannot be opened", why=str(error.strerror), fix="Timed runs lock it."
        ) from None
    with suppress(PermissionError):  # somebody else was quicker
        os.fchmod(file, 0o644)  # whatever the umask
    return file
