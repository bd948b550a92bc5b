"""
The journal of a run: its plan, and the outcome of each boot and case.

One JSON object a line, beside the pyperf file, on disk before the next boot:

    {"plan": {...}}        first: suite, seed, clock, cases, settings
    {"command": [...]}     the words of the command that runs the plan
    {"case": name, ...}    a case that will not run: outcome and reason
    {"boot": n, ...}       a boot: outcome, reason, those of its cases, and their order
    {"end": status, ...}   last; missing if the run was killed

A resumed run appends to it.  If two lines are about one boot, the later one counts; if
there are two plans, the later one counts, because it has more boots.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from json import JSONDecodeError
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench.errors import UnavailableError, UsageError, not_readable, not_writable
from pvbench.host.files import open_regular, read_open, read_regular
from pvbench.results.entry import WELL_FORMED, Entry
from pvbench.shapes import json_value

FORMAT: Final = 1
_BEGIN: Final = b'{"plan": '
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW

Entries = list[Entry]


def beside(results: Path) -> Path:
    """The journal of a result file."""
    return results.with_name(results.name.removesuffix(".gz")).with_suffix(".jsonl")


@attrs.frozen
class Journal:
    """
    An append-only file, locked while it is open; a line is on disk when `write` returns.

    Args:
        entries: the entries in the file.
    """

    path: Path
    entries: Entries
    _descriptor: int = attrs.field(repr=False)

    @classmethod
    @contextmanager
    def opened(cls, path: Path, *, anew: bool = False) -> Iterator[Journal]:
        """
        Open or create a journal and drop a half-written last line of a killed run.

        With *anew* the journal starts empty: its result file is gone.

        Raises:
            UnavailableError: the file cannot be written, or another run is writing it.
            UsageError: the file is not a journal; it is not changed.
        """
        descriptor = _locked(path)
        try:
            content = _content(path, descriptor)
            entries = parse(path, content)
            end_of_lines = 0 if anew else content.rfind(b"\n") + 1
            if end_of_lines < len(content):
                os.ftruncate(descriptor, end_of_lines)
            yield cls(path, [] if anew else entries, descriptor)
        finally:
            os.close(descriptor)

    def write(self, **entry: Any) -> None:
        """
        Append one line.

        Raises:
            UnavailableError: the line cannot be written.
        """
        line = json.dumps(entry).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise not_writable(self.path, error) from None
        self.entries.append(entry)


def _locked(path: Path) -> int:
    """The descriptor of the journal at *path*, locked."""
    while True:
        try:
            descriptor = open_regular(path, _OPEN)
        except OSError as error:
            raise not_writable(path, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise UnavailableError(
                f"another run is writing {path}", fix="Wait for it."
            ) from None
        with suppress(FileNotFoundError):  # another run may have removed it before the lock
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)


def _content(path: Path, descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return read_open(os.dup(descriptor))
    except OSError as error:
        raise not_readable(path, error) from None


def plan_of(entries: Entries) -> dict[str, Any]:
    """The plan; {} if the journal ends before it."""
    return next((entry["plan"] for entry in reversed(entries) if "plan" in entry), {})


def boots_of(entries: Entries) -> dict[int, Entry]:
    """The last entry of each boot, by number."""
    return {entry["boot"]: entry for entry in entries if "boot" in entry}


def boots_done(entries: Entries) -> dict[int, Entry]:
    """The boots that succeeded, which a resumed run does not repeat."""
    return {n: boot for n, boot in boots_of(entries).items() if boot["outcome"] == "ok"}


def is_complete(entries: Entries, boots: int) -> bool:
    """Whether the run ended settled, or with all of its *boots* having succeeded."""
    finished = boots_done(entries)
    all_done = all(number in finished for number in range(1, boots + 1))
    return bool(entries) and "end" in entries[-1] and (all_done or is_settled(entries))


def is_settled(entries: Entries) -> bool:
    """Whether the run ended because it needed no more boots, by its looks."""
    return bool(entries) and entries[-1].get("settled") is True


def read(path: Path) -> Entries:
    """
    The entries of a journal without a half-written last line; [] if there is no journal.

    Raises:
        UsageError: the file is not a journal, or it has another format.
    """
    try:
        content = read_regular(path)
    except (FileNotFoundError, IsADirectoryError):
        return []
    except OSError as error:
        raise not_readable(path, error) from None
    return parse(path, content)


def parse(path: Path, content: bytes) -> Entries:
    """
    The entries in the *content* of the journal at *path*.

    Raises:
        UsageError: the content is not that of a journal, or it has another format.
    """
    *lines, last_line = content.split(b"\n")
    if not lines and last_line[: len(_BEGIN)] != _BEGIN[: len(last_line)]:
        raise _no_journal(path, "it does not start with a plan")
    entries = [_entry(path, number, line) for number, line in enumerate(lines, 1)]
    if entries and "plan" not in entries[0]:
        raise _no_journal(path, "it does not start with a plan")
    return entries


def _entry(path: Path, number: int, line: bytes) -> Entry:
    """One line, checked."""
    try:
        entry = json_value(line.decode())
    except (JSONDecodeError, UnicodeDecodeError):
        raise _no_journal(path, f"line {number} is not JSON") from None
    except ValueError as error:
        raise _no_journal(path, f"line {number} cannot be read, {error}") from None
    if not isinstance(entry, dict):
        raise _no_journal(path, f"line {number} is not a JSON object")
    plan = entry.get("plan")
    if isinstance(plan, dict) and (version := plan.get("format")) != FORMAT:
        version_text = repr(version) if isinstance(version, int | str) else "unknown"
        raise UsageError(
            f"{path} is a journal of format {version_text}, not {FORMAT}",
            fix="Use the pvbench that wrote it.",
        )
    for key, is_well_formed in WELL_FORMED.items():
        if key in entry and not is_well_formed(entry):
            raise _no_journal(path, f"the {key} in line {number} is malformed")
    return entry


def _no_journal(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} is not a journal of a run", why=why, fix="Move it away.")
