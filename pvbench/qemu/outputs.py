"""What a QEMU and the kernel in it print, in files of memory; all of it is untrusted."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from typing import Final

from pvbench.text import one_line

_LONGEST: Final = 1 << 20  # bytes of a file that are read
_PANIC: Final = re.compile(r"Kernel panic - not syncing: (.*)")


def memory_file(name: str, undo: ExitStack) -> int:
    """The descriptor of a new file of memory, which *undo* closes."""
    file = os.memfd_create(name)
    undo.callback(os.close, file)
    return file


def text_of(file: int) -> str:
    """The end of what has been printed to *file*."""
    size = os.fstat(file).st_size
    return os.pread(file, _LONGEST, max(0, size - _LONGEST)).decode(errors="replace")


def last_line_of(text: str) -> str:
    """The last line of *text* that is not empty; '' if there is none."""
    return next((one_line(line) for line in reversed(text.splitlines()) if line.strip()), "")


def panic_in(console: str) -> str | None:
    """Why the kernel panics that has printed *console*; None if it does not."""
    match = _PANIC.search(console)
    return one_line(match[1]) if match else None
