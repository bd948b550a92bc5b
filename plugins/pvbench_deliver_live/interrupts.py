"""
The CAL row of /proc/interrupts: function-call interrupts that each CPU has received.

The first line names the CPUs of the columns: those that are online.
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
_COUNTER: Final = 1 << 32  # an unsigned int of the kernel, which wraps


def rises(before: Mapping[int, int], after: Mapping[int, int]) -> dict[int, int]:
    """How many each CPU has received in between."""
    return {cpu: (count - before.get(cpu, count)) % _COUNTER for cpu, count in after.items()}


def calls(text: bytes) -> dict[int, int]:
    """
    The row's counts by CPU number.

    Raises:
        ValueError: there is no such row, or it cannot be read.
    """
    row = _ROW.search(text)
    if row is None:
        raise ValueError("it has no row CAL")
    header = text.partition(b"\n")[0].split()
    if not header or not all(re.fullmatch(rb"CPU\d+", name) for name in header):
        raise ValueError("its first line names no CPUs")
    counts = row[1].split()[: len(header)]
    if len(counts) < len(header) or not all(map(bytes.isdigit, counts)):
        raise ValueError(f"its row CAL has no count for each of {len(header)} CPUs")
    return {int(name[3:]): int(count) for name, count in zip(header, counts, strict=True)}


@attrs.frozen
class Interrupts:
    """The open file: reading again is quicker than opening again."""

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
        `calls` of the file as it is now.

        Raises:
            UnavailableError: it does not tell.
        """
        try:
            return calls(self._text())
        except (OSError, ValueError) as error:
            what = f"{self.path} cannot prove that an IPI was sent"
            raise UnavailableError(what, why=str(error)) from None

    def _text(self) -> bytes:
        """The kernel hands it out piece by piece; what is behind the row is not read."""
        text = b""
        while piece := os.pread(self.fd, _CHUNK, len(text)):
            text += piece
            if _ROW.search(text):
                break
        return text
