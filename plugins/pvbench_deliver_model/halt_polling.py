"""
KVM's halt polling: for how long a halted vCPU is polled for before it is blocked.

Times are integer picoseconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pvbench_deliver_model.arrays import I64, Flags
from pvbench_deliver_model.cost_profile import CostProfile


class Halt(NamedTuple):
    """
    How long each CPU was idle until some time.

    Args:
        blocked: which of them KVM no longer polls for; None for none.
        executing: which of them are sources, which never halt; None for none.
        window: the time for which KVM polls for it; None if each was idle for longer than
            any window.
    """

    cpu: I64
    until: I64
    idle: I64
    blocked: Flags | None
    executing: Flags | None
    window: I64 | None = None

    @property
    def polled(self) -> Flags:
        """Which of them KVM polls for."""
        polled: Flags = self.idle > 0
        if self.blocked is not None:
            polled &= ~self.blocked
        if self.executing is not None:
            polled &= ~self.executing
        return polled


class HaltPolling:
    """The polling window of each vCPU, which its wake-ups grow and shrink."""

    def __init__(self, count: int, cost_profile: CostProfile) -> None:
        ps, ratios = cost_profile.ps, cost_profile.ratios
        self._wake_polled, self._wake_blocked = ps("wake_polled"), ps("wake_blocked")
        self._longest, self._first = ps("halt_poll_max"), ps("halt_poll_start")
        self._grow = int(ratios["halt_poll_grow"].ps)
        self._shrink = int(ratios["halt_poll_shrink"].ps)
        self._window = np.zeros(count, np.int64)
        self._every: Flags = np.ones(count, np.bool_)
        self.reset_counts()

    def reset_counts(self) -> None:
        """Forget the wake-ups that were counted."""
        self.wakeups_polled = self.wakeups_blocked = 0

    def open_longest(self) -> None:
        """Let every window be as long as it gets, as after many short halts."""
        self._window[:] = self._longest

    def halt(self, cpu: I64, until: I64, idle: I64, executing: Flags | None) -> Halt:
        """Return the halts of each *cpu* that was *idle* for that time *until* then."""
        if executing is None and len(idle) and np.minimum.reduce(idle) > self._longest:
            return Halt(cpu, until, idle, self._all(len(idle)), None)
        window = self._window.take(cpu)
        blocked: Flags = idle > window
        if executing is not None:
            blocked &= ~executing
        some = blocked if np.count_nonzero(blocked) else None
        return Halt(cpu, until, idle, some, executing, window)

    def _all(self, number: int) -> Flags:
        """Return flags of which all are set; a CPU can be interrupted several times."""
        if len(self._every) < number:
            self._every = np.ones(number, np.bool_)
        return self._every[:number]

    def later(self, halt: Halt, until: I64, waits: I64) -> Halt:
        """Return *halt* if its CPUs, all of them blocked, wait longer, *until* then."""
        idle = halt.idle + waits
        window = halt.window
        if np.minimum.reduce(idle) > self._longest:
            window = None
        return Halt(halt.cpu, until, idle, halt.blocked, None, window)

    def wake(self, halt: Halt, notify_ps: int) -> I64 | int:
        """End *halt*; return the time from acceptance to injection, *notify_ps* for sources."""
        wake: I64 | int = self._wake_polled
        if halt.blocked is not None:
            wake = self._wake_some(halt, halt.blocked)
        if halt.executing is None:
            self.wakeups_polled += len(halt.cpu)
            return wake
        self.wakeups_polled += len(halt.cpu) - int(np.count_nonzero(halt.executing))
        return np.where(halt.executing, notify_ps, wake)

    def _wake_some(self, halt: Halt, blocked: Flags) -> I64 | int:
        """Wake vCPUs, some of them *blocked*; return the time that each one takes."""
        cpu, window = halt.cpu, halt.window
        count = len(cpu) if window is None else int(np.count_nonzero(blocked))
        self.wakeups_blocked += count
        self.wakeups_polled -= count
        if window is None:
            self._window[cpu] = self._shrunk(self._window.take(cpu)) if self._shrink else 0
            return self._wake_blocked
        self._window[cpu[blocked]] = self._next(halt.idle[blocked], window[blocked])
        return np.where(blocked, self._wake_blocked, self._wake_polled)

    def _next(self, halted_for: I64, window: I64) -> I64:
        """Return the windows after halts that outlasted them."""
        grown = np.maximum(window * self._grow, self._first)
        is_long = halted_for > self._longest
        return np.where(is_long, self._shrunk(window), np.minimum(grown, self._longest))

    def _shrunk(self, window: I64) -> I64:
        """Return the windows after halts that outlasted the longest one."""
        return window // self._shrink if self._shrink else window * 0
