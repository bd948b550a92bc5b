"""
Large files that a lab makes once and keeps in the user's cache.

A file is written under another name and renamed when it is complete.  Of several
processes that need it one makes it.  The files that were not used for the longest time
are removed when all of them are larger than a limit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs

from pvbench import notices
from pvbench.errors import UnavailableError, not_writable
from pvbench.host.cache import cache_folder
from pvbench.host.files import read_regular, remove_temporaries, replacing
from pvbench_site_lab import record
from pvbench_site_lab.locks import locked

LARGEST: Final = 4 << 30  # bytes of all files
FIX: Final = "Free some space, or name another folder in XDG_CACHE_HOME."

_TEMPORARY: Final = len(".12345678.tmp")  # after the name of a file that is being made


def _default_folder() -> Path:
    return cache_folder() / "lab"


@attrs.frozen
class Store:
    """
    The files in *folder*.

    Args:
        largest: bytes that they may have.
    """

    folder: Path = attrs.field(factory=_default_folder)
    largest: int = LARGEST

    def read(self, name: str) -> bytes | None:
        """The content of the small file *name*; None if there is none."""
        with suppress(OSError):
            content = read_regular(self.folder / name)
            os.utime(self.folder / name)
            return content
        return None

    def write(self, name: str, content: bytes) -> None:
        """
        Write the small file *name*.

        Raises:
            UnavailableError: it cannot be written.
        """
        path = self.folder / name
        with _writing(path), replacing(path) as file:
            file.write(content)

    def made(self, name: str, make: Callable[[Path], object]) -> Path:
        """
        The file *name*, which *make* writes to the path that it gets.

        Raises:
            UnavailableError: it cannot be written.
        """
        with self.opened(name, make):
            return self.folder / name

    @contextmanager
    def opened(self, name: str, make: Callable[[Path], object]) -> Iterator[int]:
        """
        A descriptor of the file *name*.

        It is made if there is none, or if its content is no longer what *make* has
        written.  The descriptor stays valid when the file is removed or made again.

        Raises:
            UnavailableError: it cannot be written.
        """
        path = self.folder / name
        file = record.opened_unchanged(path)
        if file is None:
            with _writing(path), locked(_lock_of(path)):
                file = record.opened_intact(path)
                if file is None:
                    self._make(path, make)
                    file = _reopened(path)
        try:
            _note_use(path)
            yield file
        finally:
            os.close(file)

    def is_intact(self, name: str) -> bool:
        """
        Read the whole file *name* for signs of damage; one that has any is not used again.

        Raises:
            UnavailableError: its record cannot be written.
        """
        path = self.folder / name
        with _writing(path), locked(_lock_of(path)):
            file = record.opened_intact(path)
            if file is None:
                record.distrust(path)
                return False
            os.close(file)
            return True

    def remove(self, name: str) -> None:
        """Remove the file *name*; if another process is making it, that is waited for."""
        path = self.folder / name
        with suppress(OSError), locked(_lock_of(path)):
            _remove(path)

    def _make(self, path: Path, make: Callable[[Path], object]) -> None:
        if path.exists() and record.path_of(path).exists():
            notices.say(f"{path} is damaged and is made again")
        for file in (path, record.path_of(path)):
            remove_temporaries(file)
        self._remove_parts()
        _make(path, make)
        self._prune(path)

    def _remove_parts(self) -> None:
        """Remove the parts of other files whose processes were killed: they hold no lock."""
        for part in self.folder.glob(".*.tmp"):
            lock = _lock_of(self.folder / part.name[1:-_TEMPORARY])
            if lock.exists():  # small files need none
                with suppress(OSError), locked(lock, waits=False):
                    part.unlink()

    def _prune(self, new: Path) -> None:
        """Remove the files that were not used for the longest time, but not *new*."""
        files = []
        for path in self.folder.iterdir():
            with suppress(OSError):
                if not path.name.startswith(".") and path != new:
                    files.append((_last_use(path), path, path.stat().st_size))
        total = new.stat().st_size + sum(size for _, _, size in files)
        for _, path, size in sorted(files):
            if total <= self.largest:
                return
            total -= size
            with suppress(OSError), locked(_lock_of(path), waits=False):
                _remove(path)


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _remove(path: Path) -> None:
    """Remove *path*, and then its record and its lock, which this process has."""
    for file in (path, record.path_of(path), _lock_of(path)):
        file.unlink(missing_ok=True)


def _reopened(path: Path) -> int:
    """The open file *path*, which has just been made."""
    file = record.opened_intact(path)
    if file is None:
        why = "its content is not what was written to it"
        raise UnavailableError(f"{path} cannot be used", why=why, fix=FIX)
    return file


def _note_use(path: Path) -> None:
    with suppress(OSError):
        os.utime(record.path_of(path))


def _last_use(path: Path) -> float:
    """When *path* was used: that is the time of its record, or its own if it has none."""
    with suppress(OSError):
        return record.path_of(path).stat().st_mtime
    return path.stat().st_mtime


def _make(path: Path, make: Callable[[Path], object]) -> None:
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        make(temporary)
        record.write(path, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise not_writable(path, error, FIX) from None


def check_space(folder: Path, size: int) -> None:
    """
    Refuse to write *size* bytes to a disk that has less.

    Raises:
        UnavailableError: it has not.
    """
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if free < size:
        raise UnavailableError(
            f"{folder} has {free >> 20} MB of free space, and a lab needs {size >> 20} MB",
            fix=FIX,
        )
