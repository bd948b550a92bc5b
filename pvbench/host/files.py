"""
The one reader of files, and the one writer.

Only regular files of a limited size are read, and a file is replaced whole or not at all.
"""

from __future__ import annotations

import errno
import glob
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

LARGEST: Final = 1 << 27  # bytes
_GZIP: Final = b"\x1f\x8b"
_CHUNK: Final = 1 << 20  # bytes
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """
    Open a regular file and return its descriptor.

    A FIFO or a device is refused, because opening or reading it can block for ever.

    Raises:
        OSError: the file cannot be opened, or it is not a regular file.
    """
    descriptor = _opened(path, flags | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise OSError(errno.EINVAL, "it is not a regular file")


def _opened(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP and flags & os.O_NOFOLLOW and path.is_symlink():
            raise OSError(errno.ELOOP, "it is a symbolic link") from None
        raise


def read_regular(path: Path, limit: int = LARGEST) -> bytes:
    """
    The content of a regular file.

    Raises:
        OSError: the file cannot be read, is not a regular file, or has more than *limit*
            bytes.
    """
    try:
        return read_open(open_regular(path), limit)
    except ValueError:  # a null byte in the path
        raise OSError(errno.EINVAL, "its name has a null byte") from None


def read_open(descriptor: int, limit: int = LARGEST) -> bytes:
    """
    The content of an open regular file from its current offset on; the file is closed.

    Raises:
        OSError: the file cannot be read, or has more than *limit* bytes, perhaps because
            another process appends to it.
    """
    too_large = OSError(errno.EFBIG, f"it has more than {limit} bytes")
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_size > limit:
            raise too_large
        content = bytearray()
        while chunk := file.read(_CHUNK):
            content += chunk
            if len(content) > limit:
                raise too_large
        return bytes(content)


def unpacked(content: bytes, limit: int = LARGEST) -> bytes:
    """
    *content*, decompressed if it is gzip's.

    Raises:
        OSError: it has more than *limit* bytes then.
        EOFError: it is cut off or damaged.
    """
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            content = file.read(limit + 1)
    except (OSError, zlib.error) as error:
        raise EOFError(str(error)) from None
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit} bytes when it is unpacked")
    return content


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
