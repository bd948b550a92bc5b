"""
Large files that a lab makes once and keeps in the user's cache.

A file is written under another name and renamed when it is complete.  Of several
processes that need it one makes it.  The files that were not used for the longest time
are removed when all of them are larger than a limit.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UnavailableError, not_writable
from pvbench.host.cache import cache_folder
from pvbench.host.files import read_regular, remove_temporaries, replacing

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
        The file *name*, which *make* writes to the path that it gets if there is none.

        Raises:
            UnavailableError: it cannot be written.
        """
        path = self.folder / name
        if not _touch(path):
            with _writing(path), locked(path.with_name(f".{name}.lock")):
                if not _touch(path):
                    remove_temporaries(path)
                    self._remove_parts()
                    _make(path, make)
                    self._prune(path)
        return path

    def remove(self, name: str) -> None:
        """Remove the file *name*."""
        with suppress(OSError):
            (self.folder / name).unlink()

    def _remove_parts(self) -> None:
        """Remove the parts of other files whose processes were killed: they hold no lock."""
        for part in self.folder.glob(".*.tmp"):
            lock = self.folder / f"{part.name[:-_TEMPORARY]}.lock"
            with suppress(OSError), open(lock) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()

    def _prune(self, new: Path) -> None:
        """Remove the files that were not used for the longest time, but not *new*."""
        files = []
        for path in self.folder.iterdir():
            with suppress(OSError):
                if not path.name.startswith(".") and path != new:
                    status = path.stat()
                    files.append((status.st_mtime, path, status.st_size))
        total = new.stat().st_size + sum(size for _, _, size in files)
        for _, path, size in sorted(files):
            if total <= self.largest:
                return
            total -= size
            for old in (path, path.with_name(f".{path.name}.lock")):
                with suppress(OSError):
                    old.unlink()


def _touch(path: Path) -> bool:
    """Note that *path* is used; False if it does not exist."""
    with suppress(OSError):
        os.utime(path)
    return path.exists()


def _make(path: Path, make: Callable[[Path], object]) -> None:
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        make(temporary)
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


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for other processes in such a block; the lock ends with this process."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


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
