"""
The CAL row of /proc/interrupts: function-call interrupts that each CPU has received.

The first line names the CPU of each column; only online CPUs have one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UnavailableError

_ROW: Final = re.compile(rb"^ *CAL:(.*)\n", re.MULTILINE)
_CHUNK: Final = 1 << 16
_COUNTER: Final = 1 << 32  # the kernel's counter is an unsigned int, which wraps


def rises(before: Mapping[int, int], after: Mapping[int, int]) -> dict[int, int]:
    """Return the number of interrupts that each CPU received between two readings."""
    return {cpu: (count - before.get(cpu, count)) % _COUNTER for cpu, count in after.items()}


def calls(text: bytes) -> dict[int, int]:
    """
    Return the counts of row CAL by CPU number.

    Raises:
        ValueError: the row is missing, or it cannot be parsed.
    """
    row = _ROW.search(text)
    if row is None:
        raise ValueError("the file has no row CAL")
    header = text.partition(b"\n")[0].split()
    if not header or not all(re.fullmatch(rb"CPU\d+", name) for name in header):
        raise ValueError("the first line of the file does not name the CPUs")
    counts = row[1].split()[: len(header)]
    if len(counts) < len(header) or not all(map(bytes.isdigit, counts)):
        raise ValueError(f"row CAL does not have a count for each of {len(header)} CPUs")
    return {int(name[3:]): int(count) for name, count in zip(header, counts, strict=True)}


@attrs.frozen
class Interrupts:
    """The file, which stays open because reading it again is faster than opening it again."""

    path: Path
    fd: int

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Interrupts]:
        """
        Open *path* until the context is left.

        Raises:
            UnavailableError: it cannot be opened.
        """
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            why = error.strerror or str(error)
            raise UnavailableError(f"{path} cannot be opened", why=why) from None
        try:
            yield cls(path, fd)
        finally:
            os.close(fd)

    def calls(self) -> dict[int, int]:
        """
        Read the file and return its `calls`.

        Raises:
            UnavailableError: the counts cannot be read.
        """
        try:
            return calls(self._text())
        except (OSError, ValueError) as error:
            message = f"cannot read the interrupt counts from {self.path}"
            raise UnavailableError(message, why=str(error)) from None

    def _text(self) -> bytes:
        """Read the file, which the kernel returns in pieces, up to the end of row CAL."""
        text = b""
        while piece := os.pread(self.fd, _CHUNK, len(text)):
            text += piece
            if _ROW.search(text):
                break
        return text
