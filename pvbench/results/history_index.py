"""
The index of result files in the user's cache.

It has a run for each file whose size and times of change are still those of the index, and
likewise for its journal.  An index that is damaged, or of another version, is made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from pvbench.errors import UsageError
from pvbench.host.cache import cache_folder, keep
from pvbench.host.files import read_regular
from pvbench.results import history, journal
from pvbench.results.history import Data, Run

_FORMAT: Final = 1
_LARGEST: Final = 1 << 28  # bytes of an index
_FOLDER: Final = "history"


def runs(
    paths: Iterable[Path],
    unreadable: Callable[[Path, str], None],
    progress: Callable[[int], None],
) -> list[Run]:
    """
    The runs in result files, oldest first.

    Args:
        paths: the files.
        unreadable: called with a sentence for each file that cannot be read.
        progress: called with the number of files that are not in the index and were read.
    """
    by_folder: dict[Path, list[Path]] = {}
    for path in dict.fromkeys(paths):
        by_folder.setdefault(path.parent, []).append(path)
    chosen: list[Run] = []
    for folder, members in by_folder.items():
        chosen += _of_folder(folder, members, unreadable, progress)
    return history.in_order(chosen)


def _of_folder(
    folder: Path,
    paths: list[Path],
    unreadable: Callable[[Path, str], None],
    progress: Callable[[int], None],
) -> list[Run]:
    place = index_path(folder)
    old, new = _read(place), dict[str, Data]()
    chosen: list[Run] = []
    changed = 0
    for path in paths:
        state = _state(path)
        run, data = _indexed(path, state, old.get(path.name))
        if run is None or data is None:
            try:
                run = history.of_file(path)
            except UsageError as error:
                unreadable(path, str(error))
                continue
            changed += 1
            progress(changed)
            data = {"state": state, "run": history.to_data(run)}
        new[path.name] = data
        chosen.append(run)
    if changed:
        _write(place, {name: old[name] for name in old if (folder / name).exists()} | new)
    return chosen


def index_path(folder: Path) -> Path:
    """The index of the files in *folder*."""
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()
    return cache_folder() / _FOLDER / f"{digest[:32]}.json"


def _state(path: Path) -> list[int]:
    """Size and times of a file and of its journal."""
    numbers: list[int] = []
    for file in (path, journal.beside(path)):
        try:
            status = file.stat()
        except OSError:
            numbers.append(-1)
        else:
            numbers += status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
    return numbers


def _indexed(path: Path, state: list[int], data: Data | None) -> tuple[Run | None, Data | None]:
    """The run of an entry of the index; None if it is stale or malformed."""
    try:
        if data and data["state"] == state:
            return history.from_data(str(path), data["run"]), data
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    return None, None


def _read(path: Path) -> dict[str, Data]:
    """The entries of an index by the names of their files; {} if there is no valid one."""
    try:
        data = json.loads(read_regular(path, _LARGEST))
        entries: Any = data["files"] if data["format"] == _FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _write(path: Path, entries: dict[str, Data]) -> None:
    content = json.dumps({"format": _FORMAT, "files": entries}, separators=(",", ":"))
    keep(content.encode(), path)
