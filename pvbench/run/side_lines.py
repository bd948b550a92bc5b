"""The lines that a side of `pvbench ab` prints for its user."""

from __future__ import annotations

import threading
from typing import IO, Final

import attrs

from pvbench import notices

_PREFIX: Final = "pvbench: "
_LONGEST_LINE: Final = 10_000  # characters


@attrs.frozen(eq=False)
class SideLines:
    """
    The lines on a side's standard error, which are printed with the side's name.

    A thread collects them, so that the side never waits for its output to be read.
    """

    name: str
    _stream: IO[str]
    _pending: list[str] = attrs.field(factory=list)
    _printed: list[str] = attrs.field(factory=list)
    _thread: list[threading.Thread] = attrs.field(factory=list)

    def start(self) -> None:
        """Begin to collect lines."""
        self._thread.append(threading.Thread(target=self._collect, daemon=True))
        self._thread[0].start()

    def _collect(self) -> None:
        while line := self._stream.readline(_LONGEST_LINE):
            if line.startswith(_PREFIX):
                self._pending.append(line.removeprefix(_PREFIX).strip())

    def wait(self) -> None:
        """Wait until the side has closed the stream."""
        self._thread[0].join()

    def relay(self) -> None:
        """Print the lines that have arrived."""
        for _ in range(len(self._pending)):
            self._printed.append(self._pending.pop(0))
            notices.say(f"side {self.name}: {self._printed[-1]}")

    def last(self) -> str:
        """Print all lines of a side that has ended, and return the last one; '' if none."""
        self.wait()
        self.relay()
        return self._printed[-1] if self._printed else ""

    def end(self, *, relay: bool) -> None:
        """Wait until the side has closed the stream, and print the rest if *relay*."""
        self.wait()
        if relay:
            self.relay()
        self._stream.close()
