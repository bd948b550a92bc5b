"""The blocked vCPUs that KVM wakes in the exits of their sender, one after the other."""

from __future__ import annotations

from functools import partial

import numpy as np

from pvbench_deliver_model.arrays import I64, Flags
from pvbench_deliver_model.delays import State, settled
from pvbench_deliver_model.receivers import Receivers
from pvbench_deliver_model.timeline import Timeline, merged


class Wakes:
    """The wake-ups by one sender, each of which takes *wake_ps* of its exit."""

    def __init__(self, wake_ps: int, receivers: Receivers) -> None:
        self._wake_ps, self._receivers = wake_ps, receivers

    def pay(self, line: Timeline) -> None:
        """Delay what follows each wake-up in *line*, and join its arrivals."""
        if all(arrivals.in_exit for arrivals in line.arrivals):
            line.arrivals = merged(line.arrivals)
        delay = 0
        for index, arrivals in enumerate(line.arrivals):
            at = arrivals.at + delay if delay else arrivals.at
            if arrivals.in_exit:
                at, waits = self._delayed(arrivals.cpus, at)
                if waits is not None:
                    _delay_irqs(line, at - waits, waits)
                    delay += int(waits[-1])
            if at is not arrivals.at:
                line.arrivals[index] = arrivals._replace(at=at)
        line.end += delay
        if len(line.arrivals) > 1:
            line.arrivals = merged(line.arrivals)

    def _delayed(self, cpus: I64, at: I64) -> tuple[I64, I64 | None]:
        """
        Return the ascending times *at* after the wake-ups, and how long each waits for them.

        A wake-up delays the targets after it, some of which block in the meantime.
        """
        first = at
        at, state = settled(
            at, partial(self._blocked, cpus), lambda state: first + self._waits(*state)
        )
        return at, None if state is None else at - first

    def _blocked(self, cpus: I64, at: I64) -> State | None:
        blocked = self._receivers.blocked(cpus, at)
        return None if blocked is None else (blocked,)

    def _waits(self, blocked: Flags) -> I64:
        waits: I64 = blocked.cumsum() * self._wake_ps
        return waits


def _delay_irqs(line: Timeline, at: I64, waits: I64) -> None:
    """Delay the times at which interrupts are disabled and enabled by the *waits* before."""
    if line.irqs_off is None:
        return
    before = np.concatenate(([0], waits))
    off, on = at.searchsorted((line.irqs_off, line.irqs_on), "right")
    line.irqs_off += int(before[off])
    line.irqs_on += int(before[on])
