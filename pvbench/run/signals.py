"""SIGINT and SIGTERM: the boot in flight is lost, everything before it is kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

import attrs

T = TypeVar("T")


class _SignalledError(Exception):
    """A signal came while a worker was running."""


@attrs.define
class Stop:
    """
    Catches signals while a run is under way.

    Args:
        signal: the one that came; 0 if none did.
    """

    signal: int = 0
    _in_boot: bool = False

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Catch signals in this context; only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self._caught)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def unless_signalled(self, boot: Callable[[], T]) -> T | None:
        """The result of *boot*; None if a signal came before the boot was over."""
        try:
            return self._interruptible(boot)
        except _SignalledError:
            return None

    def _interruptible(self, boot: Callable[[], T]) -> T | None:
        self._in_boot = True
        try:
            return None if self.signal else boot()
        finally:
            self._in_boot = False

    def _caught(self, number: int, frame: FrameType | None) -> None:
        """
        Note the signal, and end the boot in flight.

        Outside of a boot nothing is interrupted, so that no file is left half-written.
        The exception is raised once: a second signal must not interrupt what handles it.
        """
        self.signal = number
        if self._in_boot:
            self._in_boot = False
            raise _SignalledError
