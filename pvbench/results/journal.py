"""
The journal of a run: what was planned and how every boot and case ended.

One JSON value a line, beside the pyperf file, on disk before the next boot:

    {"plan": {...}}        first: suite, seed, clock, cases, settings
    {"case": name, ...}    a case that will not run: outcome and reason
    {"boot": n, ...}       a boot: outcome, reason, and those of its cases
    {"end": status, ...}   last; missing if the run was killed

A resumed run appends to it; of two lines on one boot the later one counts.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from pvbench.errors import UnavailableError, UsageError, not_writable

FORMAT = 1
_BEGIN = b'{"plan": '

Entries = list[dict[str, Any]]


def beside(results: Path) -> Path:
    """The journal of a pyperf file."""
    return results.with_suffix(".jsonl")


@attrs.frozen
class Journal:
    """An append-only file, locked while open; a line is on disk when `write` returns."""

    path: Path
    _file: BinaryIO = attrs.field(repr=False)

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Journal]:
        """
        Open or create it, without the half-written line a killed run may have left.

        Raises:
            UnavailableError: it cannot be written, or another run is writing it.
        """
        try:
            file = path.open("a+b")
        except OSError as error:
            raise not_writable(path, error) from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UnavailableError(
                    f"another run is writing {path}", fix="Wait for it."
                ) from None
            file.seek(0)
            content = file.read()
            if not content.endswith(b"\n"):
                file.truncate(content.rfind(b"\n") + 1)
            yield cls(path, file)

    def write(self, **entry: Any) -> None:
        """
        Append one line.

        Raises:
            UnavailableError: it cannot be written.
        """
        try:
            self._file.write(json.dumps(entry).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise not_writable(self.path, error) from None


def plan_of(entries: Entries) -> dict[str, Any]:
    """What was planned; {} if it is not known."""
    return next((entry["plan"] for entry in entries if "plan" in entry), {})


def boots_of(entries: Entries) -> dict[int, dict[str, Any]]:
    """How each boot ended, by number."""
    return {entry["boot"]: entry for entry in entries if "boot" in entry}


def boots_done(entries: Entries) -> dict[int, dict[str, Any]]:
    """The boots that need not be repeated."""
    return {n: boot for n, boot in boots_of(entries).items() if boot.get("outcome") == "ok"}


def is_complete(entries: Entries) -> bool:
    """No boot is missing and none has failed, and the run came to its end."""
    ended = any("end" in entry for entry in entries)
    return ended and len(boots_done(entries)) == plan_of(entries).get("boots")


def read(path: Path) -> Entries:
    """
    The entries of a journal, a half-written last line left out; [] if there is none.

    Raises:
        UsageError: it is no journal, or of another format.
    """
    try:
        *lines, rest = path.read_bytes().split(b"\n")
    except OSError:
        return []
    if not lines and rest[: len(_BEGIN)] != _BEGIN[: len(rest)]:
        raise _no_journal(path, "it does not start with a plan")
    entries: list[Any] = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(json.loads(line))
        except ValueError:
            raise _no_journal(path, f"line {number} is not JSON") from None
    if not all(isinstance(entry, dict) for entry in entries):
        raise _no_journal(path, "a line is no JSON object")
    plan = entries[0].get("plan") if entries else {"format": FORMAT}
    if not isinstance(plan, dict):
        raise _no_journal(path, "it does not start with a plan")
    if plan.get("format") != FORMAT:
        raise UsageError(
            f"{path} is a journal of format {plan.get('format')!r}, not {FORMAT}",
            fix="Use the pvbench that wrote it.",
        )
    return entries


def _no_journal(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} is no journal of a run", why=why, fix="Move it away.")
