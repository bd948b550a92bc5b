"""The blocked vCPUs that KVM wakes in the exits of their sender, one after the other."""

from __future__ import annotations

from functools import partial

import numpy as np

from pvbench_deliver_model.arrays import I64, Flags
from pvbench_deliver_model.delays import State, settled
from pvbench_deliver_model.receivers import Receivers
from pvbench_deliver_model.timeline import Arrivals, Timeline, merged


class Wakes:
    """The wake-ups by one sender, each of which takes *wake_ps* of its exit."""

    def __init__(self, wake_ps: int, receivers: Receivers) -> None:
        self._wake_ps, self._receivers = wake_ps, receivers
        self._of_all = np.zeros(0, np.int64)

    def pay(self, line: Timeline) -> None:
        """Delay what follows each wake-up in *line*, and join its arrivals."""
        if len(line.arrivals) > 1 and all(arrivals.in_exit for arrivals in line.arrivals):
            line.arrivals = merged(line.arrivals)
        delay = 0
        for index, arrivals in enumerate(line.arrivals):
            first = at = arrivals.at + delay if delay else arrivals.at
            if arrivals.in_exit:
                at, waits = self._delayed(arrivals.cpus, first)
                if waits is not None:
                    _delay_irqs(line, first, waits)
                    delay += int(waits[-1])
            if at is not arrivals.at:
                vector, _, cpus, distinct, in_exit = arrivals
                line.arrivals[index] = Arrivals(vector, at, cpus, distinct, in_exit)
        line.end += delay
        if len(line.arrivals) > 1:
            line.arrivals = merged(line.arrivals)

    def _delayed(self, cpus: I64, first: I64) -> tuple[I64, I64 | None]:
        """
        Return the ascending times *first* after the wake-ups, and how long each waits for them.

        A wake-up delays the targets after it, some of which block in the meantime.
        """
        blocked = self._receivers.blocked(cpus, first)
        if blocked is None:
            return first, None
        if np.count_nonzero(blocked) == len(blocked):  # and so are they later
            waits = self._waits_of_all(len(blocked))
            at = first + waits
            self._receivers.wait(at, waits)
            return at, waits
        at, _ = settled(
            first, partial(self._blocked, cpus), lambda state: first + self._waits(*state)
        )
        return at, at - first

    def _waits_of_all(self, count: int) -> I64:
        """How long each of *count* blocked vCPUs waits until it is woken."""
        if len(self._of_all) < count:
            self._of_all = np.arange(1, count + 1) * self._wake_ps
        return self._of_all[:count]

    def _blocked(self, cpus: I64, at: I64) -> State | None:
        blocked = self._receivers.blocked(cpus, at)
        return None if blocked is None else (blocked,)

    def _waits(self, blocked: Flags) -> I64:
        waits: I64 = blocked.cumsum() * self._wake_ps
        return waits


def _delay_irqs(line: Timeline, at: I64, waits: I64) -> None:
    """Delay the times at which interrupts are disabled and enabled by the *waits* before."""
    if line.irqs_off is not None:
        line.irqs_off += _wait_before(line.irqs_off, at, waits)
        line.irqs_on += _wait_before(line.irqs_on, at, waits)


def _wait_before(time: int, at: I64, waits: I64) -> int:
    """The wait of the last target that is served until *time*; 0 without one."""
    if time < at[0]:
        return 0
    position = len(at) if time >= at[-1] else int(at.searchsorted(time, "right"))
    return int(waits[position - 1])
