"""
The journal of a run: what was planned and how every boot and case ended.

One JSON value a line, beside the pyperf file, on disk before the next boot:

    {"plan": {...}}        first: suite, seed, clock, cases, settings
    {"case": name, ...}    a case that will not run: outcome and reason
    {"boot": n, ...}       a boot: outcome, reason, and those of its cases
    {"end": status, ...}   last; missing if the run was killed
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import attrs

from pvbench.errors import UnavailableError, UsageError

FORMAT = 1


def beside(results: Path) -> Path:
    """The journal of a pyperf file."""
    return results.with_suffix(".jsonl")


@attrs.frozen
class Journal:
    """An append-only file; every line is on disk when `write` returns."""

    path: Path

    def write(self, **entry: Any) -> None:
        """
        Append one line.

        Raises:
            UnavailableError: it cannot be written.
        """
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UnavailableError(
                f"{self.path} cannot be written", why=str(error.strerror)
            ) from None


def read(path: Path) -> list[dict[str, Any]]:
    """
    The entries of a journal, a half-written last line left out; [] if there is none.

    Raises:
        UsageError: it is of another format.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    entries: list[Any] = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(json.loads(line))
        except ValueError:
            if number < len(lines) or number == 1:
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
