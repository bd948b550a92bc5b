"""Boots that are under way: one in the manager's thread, or several in threads of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

import attrs

B = TypeVar("B")
R = TypeVar("R")


@attrs.frozen(eq=False)
class UnderWay(Generic[B, R]):
    """
    Boots that have begun, with their results in the order in which they end.

    Args:
        in_threads: each boot runs in a thread of its own from its beginning.  Otherwise it
            runs in `next_ended`, where a signal interrupts it.
    """

    in_threads: bool
    _begun: dict[B, Callable[[], R]] = attrs.field(factory=dict)
    _ended: SimpleQueue[tuple[B, R | BaseException]] = attrs.field(factory=SimpleQueue)

    def __len__(self) -> int:
        """The number of boots that are under way."""
        return len(self._begun)

    def begin(self, boot: B, work: Callable[[], R]) -> None:
        """Begin *boot*, whose result is that of *work*."""
        self._begun[boot] = work
        if self.in_threads:
            thread = threading.Thread(target=self._run, args=(boot, work), daemon=True)
            thread.start()

    def next_ended(self) -> tuple[B, R] | None:
        """
        Wait for the next boot that ends, and return it with its result.

        None if no boot is under way.  An exception of its work is raised here.
        """
        if not self._begun:
            return None
        if not self.in_threads:
            return self._in_turn()
        boot, result = self._ended.get()
        del self._begun[boot]
        if isinstance(result, BaseException):
            raise result
        return boot, result

    def _in_turn(self) -> tuple[B, R]:
        boot, work = next(iter(self._begun.items()))
        del self._begun[boot]
        return boot, work()

    def _run(self, boot: B, work: Callable[[], R]) -> None:
        try:
            result: R | BaseException = work()
        except BaseException as error:
            result = error
        self._ended.put((boot, result))
