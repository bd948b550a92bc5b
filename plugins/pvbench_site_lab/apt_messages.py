"""What the messages of APT mean."""

from __future__ import annotations

import subprocess
from typing import Final

from pvbench.errors import UnavailableError
from pvbench.text import one_line
from pvbench_site_lab.store import FIX

# What a user can do without a mirror, or without APT.
OWN: Final = "add a kernel that you have: `pvbench lab add ./vmlinuz`."
OFFLINE: Final = f"Check the network and the address of the mirror, or {OWN}"
_NO_SPACE: Final = "No space left on device"
_NO_SUITE: Final = "does not have a Release file"

Completed = subprocess.CompletedProcess[str]


def failure(what: str, done: Completed) -> UnavailableError:
    """The error of a program of APT that fails."""
    fix = FIX if _NO_SPACE in reason(done) else OFFLINE
    return UnavailableError(what, why=reason(done), fix=fix)


def is_complete(done: Completed) -> bool:
    """Whether all lists were fetched but those of suites that the mirror does not have."""
    return all(_NO_SUITE in line for line in _errors(done)) and not _is_out_of_space(done)


def reason(done: Completed) -> str:
    """
    Why APT fails: its first error that is not the consequence of another.

    APT takes a list that does not fit on the disk for one that the mirror does not have.
    """
    if _is_out_of_space(done):
        return _NO_SPACE
    errors = _errors(done)
    causes = [line for line in errors if _NO_SUITE not in line]
    lines = causes or errors or done.stderr.splitlines()
    return one_line((lines or [f"its status is {done.returncode}"])[0])


def _is_out_of_space(done: Completed) -> bool:
    return _NO_SPACE in done.stdout + done.stderr


def _errors(done: Completed) -> list[str]:
    """Its errors, and its warnings about lists that cannot be fetched, which are none to it."""
    lines = done.stderr.splitlines()
    failures = [line[3:] for line in lines if line.startswith(("E: Failed", "W: Failed"))]
    errors = [line.removeprefix("E: ") for line in lines if line.startswith("E: ")]
    return [*failures, *errors]
