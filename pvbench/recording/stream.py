"""The text of a trace in blocks of whole lines, from a file, a packed file or a pipe."""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from pvbench.errors import DamagedError, UsageError, not_readable
from pvbench.host.files import open_regular

STDIN: Final = "-"
LARGEST: Final = 1 << 34  # bytes of text: about 100 million lines
_LONGEST_LINE: Final = 1 << 16  # bytes: a list of every other of 8192 CPUs has 20 000
_BLOCK: Final = 1 << 22  # bytes
_GZIP: Final = b"\x1f\x8b"
_XZ: Final = b"\xfd7zXZ\x00"
_MEMORY: Final = 1 << 28  # bytes that unpacking may take
_CUT: Final = "Record or copy the trace again, or give a text whose last line is whole."


def opened(name: str) -> io.BufferedReader:
    """
    The file called *name*, or standard input.

    Raises:
        UsageError: it cannot be read.
    """
    if name == STDIN:
        return io.BufferedReader(sys.stdin.buffer)  # type: ignore[arg-type]
    try:
        return open(open_regular(Path(name)), "rb")
    except (OSError, ValueError) as error:
        reason = error if isinstance(error, OSError) else OSError("its name has a null byte")
        raise not_readable(name, reason) from None


def pieces(file: io.BufferedReader, name: str) -> Iterator[bytes]:
    """
    The unpacked content of *file*, called *name* in messages.

    Raises:
        DamagedError: it is cut off or damaged.
        UsageError: it is too large, or cannot be read.
    """
    total = 0
    try:
        for piece in _unpacked(file):
            total += len(piece)
            if total > LARGEST:
                raise UsageError(f"{name} has more than {LARGEST} bytes of text")
            yield piece
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise DamagedError(f"{name} is cut off or damaged", why=str(error)) from None
    except OSError as error:
        raise not_readable(name, error) from None


def _unpacked(file: io.BufferedReader) -> Iterator[bytes]:
    start = file.peek(len(_XZ))
    if start.startswith(_XZ):
        return _of_xz(file)
    return _read(gzip.GzipFile(fileobj=file) if start.startswith(_GZIP) else file)


def _read(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while piece := file.read(_BLOCK):
        yield piece


def _of_xz(file: BinaryIO) -> Iterator[bytes]:
    stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
    packed = b""
    while True:
        if stream.eof:
            packed = stream.unused_data or file.read(_BLOCK)
            if not packed:
                return
            stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
        elif stream.needs_input:
            packed = file.read(_BLOCK)
            if not packed:
                raise EOFError("its end is missing")
        if piece := stream.decompress(packed, _BLOCK):
            yield piece
        packed = b""


def blocks(parts: Iterator[bytes], name: str) -> Iterator[bytes]:
    """
    The text of *parts* in blocks of whole lines, with the line ends of Unix.

    Raises:
        DamagedError: the last line has no end.
        UsageError: a line is too long for a trace.
    """
    rest = b""
    for part in parts:
        text = rest + part
        end = text.rfind(b"\n") + 1
        block, rest = text[:end], text[end:]
        if len(rest) > _LONGEST_LINE:
            raise UsageError(f"{name} has a line of more than {_LONGEST_LINE} bytes")
        if block:
            yield block.replace(b"\r\n", b"\n") if b"\r" in block else block
    if rest:
        raise DamagedError(f"{name} is cut off", why="its last line has no end", fix=_CUT)
