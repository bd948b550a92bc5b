"""Locks of files, which end with the process that has them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def locked(path: Path, *, waits: bool = True) -> Iterator[None]:
    """
    No other process is in such a block for the lock *path*.

    The block may remove the file.

    Raises:
        OSError: the file cannot be opened, or another process has the lock and this one
            does not wait.
    """
    file = _locked_file(path, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
    try:
        yield
    finally:
        os.close(file)


def _locked_file(path: Path, operation: int) -> int:
    while True:
        file = os.open(path, _FLAGS, 0o600)
        try:
            fcntl.flock(file, operation)
            if _is_at(path, file):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # it was removed before it was locked


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(file))
    except FileNotFoundError:
        return False
