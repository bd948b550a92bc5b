"""
The messages of the running kernel, which only root may read on many hosts.

Source: Linux, Documentation/ABI/testing/dev-kmsg.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_RECORD_BYTES: Final = 1 << 13  # longer than any record


def messages(path: Path) -> Iterator[str]:
    """The messages in *path*, which is /dev/kmsg, oldest first; none if it cannot be read."""
    with suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            yield from _messages(fd)
        finally:
            os.close(fd)


def _messages(fd: int) -> Iterator[str]:
    """Messages of records ``priority,number,time,flags;message``, first lines only."""
    while True:
        try:
            records = os.read(fd, _RECORD_BYTES)
        except BrokenPipeError:  # a record was overwritten before it was read
            continue
        if not records:  # an ordinary file
            return
        for line in records.decode(errors="replace").splitlines():
            if not line.startswith(" "):  # continuation lines are indented
                yield line.partition(";")[2]
