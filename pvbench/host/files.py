"""Files on disk: only regular ones are read, and a file is replaced whole or not at all."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """
    Open a regular file and return its descriptor.

    A FIFO or a device is refused, because opening or reading it can block for ever.

    Raises:
        OSError: the file cannot be opened, or it is not a regular file.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise OSError(errno.EINVAL, "it is not a regular file")


def read_regular(path: Path, limit: int = -1) -> bytes:
    """
    The content of a regular file, or its first *limit* bytes.

    Raises:
        OSError: the file cannot be read, or it is not a regular file.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        return file.read(limit)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """
    A new file that takes the place of *path* once the block has ended.

    A reader sees the old content or the new one and never a part of it.  If the block
    raises, the old file stays.  The temporary file is new and is never reached through a
    symbolic link.

    Raises:
        OSError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    descriptor = os.open(temporary, _NEW, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def remove_temporaries(path: Path) -> None:
    """Remove the temporary files that killed writers of *path* have left behind."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with suppress(OSError):
            leftover.unlink()
