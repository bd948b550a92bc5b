"""
The record of a large file in the cache: its size and its checksum, which show damage.

To read a file takes 0.1 s for 150 MB.  So a file is read again only if it may have changed:
it has another inode or another time of change, or the machine has been started since.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import attrs

from pvbench.host.files import open_regular, read_regular, replacing
from pvbench.shapes import json_value

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_CHUNK: Final = 1 << 20  # bytes


@attrs.frozen
class Record:
    """
    What a file was when its content was known to be right.

    Args:
        size: bytes.
        state: see `state_of`.
    """

    size: int
    checksum: int
    state: str


def path_of(path: Path) -> Path:
    """Where the record of the file *path* is.  Its time is that of the last use."""
    return path.with_name(f".{path.name}.record")


def opened_unchanged(path: Path) -> int | None:
    """The open file *path*; None if its content must be checked first, or if it is missing."""
    return _opened(path, lambda record, file: record.state == state_of(file))


def opened_intact(path: Path) -> int | None:
    """The open file *path*; None if its content is not the recorded one, or it is missing."""
    file = _opened(path, _is_intact)
    if file is not None:
        _write(path, attrs.evolve(_read(path), state=state_of(file)))
    return file


def distrust(path: Path) -> None:
    """Let the content of *path* be checked before it is used again."""
    with suppress(OSError, ValueError):
        _write(path, attrs.evolve(_read(path), state=""))


def write(path: Path, new: Path) -> None:
    """
    Record the content of *new*, which is about to become the file *path*.

    Raises:
        OSError: it cannot be read, or the record cannot be written.
    """
    file = open_regular(new)
    try:
        size = os.fstat(file).st_size
        _write(path, Record(size, checksum_of(file), state=""))
    finally:
        os.close(file)


def state_of(file: int) -> str:
    """Text that differs if the content of the open *file* may have changed."""
    status, boot = os.fstat(file), ""
    with suppress(OSError):
        boot = _BOOT_ID.read_text().strip()
    return f"{status.st_ino} {status.st_ctime_ns} {boot}"


def checksum_of(file: int) -> int:
    """The CRC-32 of the open *file*."""
    checksum = offset = 0
    while chunk := os.pread(file, _CHUNK, offset):
        checksum = zlib.crc32(chunk, checksum)
        offset += len(chunk)
    return checksum


def _is_intact(record: Record, file: int) -> bool:
    return os.fstat(file).st_size == record.size and checksum_of(file) == record.checksum


def _opened(path: Path, is_good: Callable[[Record, int], bool]) -> int | None:
    with ExitStack() as undo, suppress(OSError, ValueError):
        file = open_regular(path)
        undo.callback(os.close, file)
        if is_good(_read(path), file):
            undo.pop_all()
            return file
    return None


def _read(path: Path) -> Record:
    data = json_value(read_regular(path_of(path)).decode())
    if not isinstance(data, dict) or set(data) != set(attrs.fields_dict(Record)):
        raise ValueError("it is no record")
    return Record(**data)


def _write(path: Path, record: Record) -> None:
    with replacing(path_of(path)) as file:
        file.write(json.dumps(attrs.asdict(record)).encode())
