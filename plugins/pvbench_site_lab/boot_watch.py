"""
Whether a machine that boots gets on.

Wall time does not show it: a busy host may give a machine a hundredth of a processor.  So
the processor time of its process counts, and the time for which it waited for a processor.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import attrs

from pvbench.errors import HangError

BUSY_S: Final = 120.0  # of processor time, for each emulated CPU; a boot needs 10 s
IDLE_S: Final = 60.0
_LEAST: Final = 0.25  # of wall time: a machine that boots always has something to execute
_PERIOD_S: Final = 1.0
_PROC: Final = Path("/proc")


class Use(NamedTuple):
    """
    What a process has used of the processors.

    Args:
        ran_s: processor time.
        waited_s: for how long its threads were ready to run and had none.
    """

    ran_s: float
    waited_s: float


def use_of(process: int) -> Use | None:
    """The use by the threads of the process with that ID; None if the kernel does not say."""
    with suppress(OSError, ValueError):
        files = (_PROC / str(process) / "task").glob("*/schedstat")
        ran, waited, _ = zip(
            *(map(int, file.read_text().split()) for file in files), strict=True
        )
        return Use(sum(ran) / 1e9, sum(waited) / 1e9)
    return None


@attrs.define
class BootWatch:
    """
    A watch over the boot of a machine.

    Args:
        read_use: the use by its process.
        cpus: emulated CPUs.
        read_clock: seconds of wall time.
    """

    read_use: Callable[[], Use | None]
    cpus: int
    read_clock: Callable[[], float] = time.monotonic
    _next: float = attrs.field(init=False, default=0.0)
    _first: Use | None = attrs.field(init=False, default=None)
    _active: tuple[float, float] = attrs.field(init=False, default=(0.0, 0.0))

    def check(self) -> None:
        """
        Look at the machine, at most once a second.

        Raises:
            HangError: it does not get on.
        """
        now = self.read_clock()
        if now < self._next or (use := self.read_use()) is None:
            return
        self._next = now + _PERIOD_S
        if self._first is None:
            self._first, self._active = use, (now, sum(use))
        if use.ran_s - self._first.ran_s > BUSY_S * self.cpus:
            raise HangError(f"the lab has run for {BUSY_S * self.cpus:g} s and is not ready")
        since, demand = self._active
        if sum(use) - demand > _LEAST * IDLE_S:
            self._active = now, sum(use)
        elif now - since > IDLE_S:
            raise HangError(f"the lab has done nothing for {IDLE_S:g} s and is not ready")
