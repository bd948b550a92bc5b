"""
The file of a recording: one line of JSON and the columns, compressed by gzip.

The bytes of a column are sorted by their place in a number, and times are differences, so
that they compress well.  A file may have been damaged or made by anybody, so each value is
checked before it is used.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.errors import DamagedError, ProtocolError, UsageError, not_readable, not_writable
from pvbench.host.files import open_regular, replacing
from pvbench.recording import header
from pvbench.recording.bursts import Bursts
from pvbench.recording.header import COLUMNS, Counts
from pvbench.recording.operations import Operations
from pvbench.recording.recording import Recording
from pvbench.recording.sets import CpuSets

SUFFIX: Final = ".recording"
_LONGEST_HEADER: Final = 1 << 26  # bytes
_LARGEST: Final = 1 << 32  # bytes of all columns
_LEVEL: Final = 4  # of gzip: a second for 50 MB
_MOST: Final = 1 << 40  # times that a burst occurs
_PIECE: Final = 1 << 22  # bytes that are compressed or decompressed at once
_FIX: Final = "Import the trace again."
Column = npt.NDArray[Any]


def is_recording(start: bytes) -> bool:
    """Whether an unpacked file that begins so is a recording."""
    return start.startswith(header.MAGIC)


def write(recording: Recording, path: Path) -> None:
    """
    Write the file of *recording*, which replaces *path*.

    Raises:
        UnavailableError: it cannot be written.
    """
    try:
        with (
            replacing(path) as file,
            gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed,
        ):
            packed.write(header.text_of(recording))
            for name, column in _columns(recording):
                packed.write(_sorted_bytes(name, column))
    except OSError as error:
        raise not_writable(path, error) from None


def read(path: Path) -> Recording:
    """
    The recording in the file at *path*.

    Raises:
        DamagedError: the file is cut off or damaged.
        UsageError: it is no recording, or one that this version does not read.
    """
    try:
        with open(open_regular(path), "rb") as file, gzip.open(file) as packed:
            return _read(packed)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedError(f"{path} is cut off or damaged", why=str(error), fix=_FIX) from None
    except (ProtocolError, ValueError) as error:
        raise UsageError(f"{path} is not a recording", why=str(error), fix=_FIX) from None
    except OSError as error:
        raise not_readable(path, error) from None


def _read(packed: gzip.GzipFile) -> Recording:
    line = packed.readline(_LONGEST_HEADER)
    if not is_recording(line):
        raise ValueError(f"it does not begin with {header.MAGIC.decode()}")
    recording, counts = header.parsed(line)
    rows = {name: counts.rows(name) for name in COLUMNS}
    if sum(rows[name] * COLUMNS[name].itemsize for name in COLUMNS) > _LARGEST:
        raise ValueError(f"its columns have more than {_LARGEST} bytes")
    columns = {name: _column(packed, name, rows[name]) for name in COLUMNS}
    if packed.read(1):
        raise ValueError("it goes on after its last column")
    return _checked(_filled(recording, columns, counts))


def _columns(recording: Recording) -> Iterator[tuple[str, Column]]:
    """The columns by their names in the file, in their order."""
    sources = {
        "sent": recording.sent,
        "wanted": recording.wanted,
        "operations": recording.operations,
    }
    for name, dtype in COLUMNS.items():
        table, _, column = name.partition(".")
        values = recording.sets.words if table == "sets" else getattr(sources[table], column)
        yield name, values.astype(dtype, copy=False).ravel()


def _sorted_bytes(name: str, column: Column) -> bytes:
    """The bytes of a column: the lowest of all numbers, then the next."""
    if name.endswith(".time"):
        column = np.diff(column, prepend=0)
    return np.ascontiguousarray(column.view(np.uint8).reshape(-1, column.itemsize).T).tobytes()


def _column(packed: gzip.GzipFile, name: str, rows: int) -> Column:
    dtype = COLUMNS[name]
    content = _exactly(packed, rows * dtype.itemsize)
    planes = np.frombuffer(content, np.uint8).reshape(dtype.itemsize, rows)
    column = np.ascontiguousarray(planes.T).view(dtype).ravel()
    return np.cumsum(column) if name.endswith(".time") else column


def _exactly(packed: gzip.GzipFile, size: int) -> bytes:
    """
    The next *size* bytes, which are read in pieces, as a header may promise too many.

    Raises:
        EOFError: there are fewer.
    """
    content = bytearray()
    while len(content) < size:
        piece = packed.read(min(size - len(content), _PIECE))
        if not piece:
            raise EOFError("its end is missing")
        content += piece
    return bytes(content)


def _filled(recording: Recording, columns: dict[str, Column], counts: Counts) -> Recording:
    def of(table: str) -> dict[str, Column]:
        names = (name for name in COLUMNS if name.startswith(f"{table}."))
        return {name.partition(".")[2]: columns[name] for name in names}

    return attrs.evolve(
        recording,
        sets=CpuSets(columns["sets.words"].reshape(counts.sets, counts.width)),
        sent=Bursts(**of("sent")),
        wanted=Bursts(**of("wanted")),
        operations=Operations(
            **of("operations"),
            table=recording.operations.table,
            missing=recording.operations.missing,
        ),
    )


def _checked(recording: Recording) -> Recording:
    """*recording*, whose indexes and CPU numbers are inside its tables."""
    limits: list[tuple[Column, int]] = [
        (recording.operations.operation, len(recording.operations.table))
    ]
    for bursts in (recording.sent, recording.wanted):
        limits += [
            (bursts.source, recording.cpus),
            (bursts.targets, len(recording.sets)),
            (bursts.call, len(recording.calls)),
        ]
        if len(bursts.count) and not 1 <= bursts.count.min() <= bursts.count.max() <= _MOST:
            raise ValueError(f"the count of a burst is outside 1..{_MOST}")
    if any(len(column) and column.max() >= limit for column, limit in limits):
        raise ValueError("an index is beyond its table")
    if recording.sets.highest() >= recording.cpus:
        raise ValueError("a set has a CPU that the recording does not have")
    if len(recording.sets) and not recording.sets.sizes.all():
        raise ValueError("a set has no CPU")
    return recording
