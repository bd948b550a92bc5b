"""
Target vCPUs: what happens to an interrupt once the hypervisor has accepted it.

State is one array entry for each vCPU; times are integer picoseconds.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pvbench.guest import Guest
from pvbench_deliver_model.cost_profile import CostProfile

I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NEVER: Final = -(1 << 62)


class Tally:
    """How often each CPU was named; adding is cheap, the sum is made when asked for."""

    _MANY: Final = 256

    def __init__(self, count: int) -> None:
        self._sum = np.zeros(count, np.int64)
        self._named: list[I64] = []

    def add(self, cpus: I64) -> None:
        """Count each of *cpus* once more."""
        self._named.append(cpus)
        if len(self._named) > self._MANY:
            self._settle()

    def tolist(self) -> list[int]:
        """The counts by CPU number."""
        self._settle()
        return self._sum.tolist()

    def _settle(self) -> None:
        if self._named:
            named = np.concatenate(self._named)
            self._sum += np.bincount(named, minlength=len(self._sum))
            self._named.clear()


class Targets:
    """The vCPUs of a guest as receivers of interrupts."""

    def __init__(self, guest: Guest, cost_profile: CostProfile, target_state: str) -> None:
        count = len(guest.apic_ids)
        ps = cost_profile.ps
        self.count = count
        self._halting = target_state == "halted"
        self._notify = ps(
            "kick" if cost_profile.local_apic == "emulated" else "posted_notification"
        )
        self._wake_polled, self._wake_blocked = ps("wake_polled"), ps("wake_blocked")
        self._poll_max, self._poll_start = ps("halt_poll_max"), ps("halt_poll_start")
        self._poll_grow = int(cost_profile.ratios["halt_poll_grow"].ps)
        self._poll_shrink = int(cost_profile.ratios["halt_poll_shrink"].ps)
        self._entry_ps, self._eoi = ps("interrupt_entry"), ps("eoi")
        self._work, self._exit_ps = ps("handler_work"), ps("interrupt_exit")
        self._handover = ps("lock_handover")
        self._timeslice = ps("timeslice")
        self._hosts = guest.host_cpus if (guest.host_cpus or count) < count else None
        self.free = np.zeros(count, np.int64)  # end of the last handler
        self._poll_window = np.zeros(count, np.int64)
        self._entered: dict[int, I64] = {}  # vector -> entry of its last handler
        self._seen = np.empty(count, np.int64)
        self._host_free = np.zeros(self._hosts or 0, np.int64)
        self._lock_free = NEVER
        self.awake: Flags | None = None  # vCPUs that are executing: the senders
        self.masked_until: I64 | None = None  # senders take nothing before that
        self.reset_counts()

    @property
    def state(self) -> str:
        """What the targets prove to be; busy vCPUs that share host CPUs wait their turn."""
        if self._halting:
            return "halted"
        return "preempted" if self._hosts else "running"

    @property
    def shared_run_ps(self) -> int:
        """What a woken target takes from the host CPU it shares."""
        if not (self._hosts and self._halting):
            return 0
        wake = self._wake_blocked + self._entry_ps + self._eoi
        return wake + self._work + self._exit_ps

    def shares_host(self, cpus: I64, source: int) -> Flags:
        """Which of *cpus* run on the host CPU of *source*."""
        assert self._hosts is not None  # noqa: S101 - see shared_run_ps
        mates: Flags = cpus % self._hosts == source % self._hosts
        return mates

    def not_running(self, cpus: I64, at: I64) -> Flags:
        """Which of *cpus* no host CPU is executing, or polling for, at the times *at*."""
        if self._halting:
            absent: Flags = at - self.free.take(cpus) > self._poll_window.take(cpus)
        elif self._hosts:
            absent = self._next_turn(at, cpus) > at
        else:
            return np.zeros(len(cpus), np.bool_)
        return absent if self.awake is None else absent & ~self.awake.take(cpus)

    def acked(self, cpu: I64 | int) -> I64:
        """When the last handler of each *cpu* acknowledged."""
        return self.free.take(cpu) - self._exit_ps

    def prolong(self, cpu: int, *, lock: bool) -> None:
        """The handler *cpu* is about to run has one more function to call."""
        self.free[cpu] += self._work + (self._handover if lock else 0)
        self.functions.add(np.array([cpu]))

    def reset_counts(self) -> None:
        """Forget what was counted, not what the vCPUs are doing."""
        self.handlers = Tally(self.count)
        self.coalesced = Tally(self.count)
        self.functions = Tally(self.count)
        self.wakeups_polled = self.wakeups_blocked = 0

    def accept(
        self, arrival: I64, cpu: I64, vector: int, *, lock: bool, distinct: bool
    ) -> tuple[I64, I64]:
        """
        Interrupts accepted at *arrival*, ascending, by *cpu*; *distinct* if known so.

        Returns:
            For each the entry of the handler that serves it, and its
            acknowledgement.
        """
        if distinct or self._first_of_each(cpu) is None:
            return self._accept_distinct(arrival, cpu, vector, lock=lock)
        entry, ack = np.empty_like(arrival), np.empty_like(arrival)
        rest = np.arange(len(cpu))
        while len(rest):
            first = self._first_of_each(cpu[rest])
            now = rest if first is None else rest[first]
            entry[now], ack[now] = self._accept_distinct(
                arrival[now], cpu[now], vector, lock=lock
            )
            rest = rest[:0] if first is None else rest[~first]
        return entry, ack

    def _first_of_each(self, cpu: I64) -> Flags | None:
        """Which entries are the first of their CPU; None if all are."""
        if not np.count_nonzero(cpu[1:] <= cpu[:-1]):  # ascending
            return None
        place = np.arange(len(cpu))
        self._seen[cpu[::-1]] = place[::-1]
        first: Flags = self._seen.take(cpu) == place
        return None if np.count_nonzero(first) == len(first) else first

    def _accept_distinct(
        self, arrival: I64, cpu: I64, vector: int, *, lock: bool
    ) -> tuple[I64, I64]:
        entered = self._entered.get(vector)
        if entered is None:
            entered = self._entered[vector] = np.full(self.count, NEVER, np.int64)
        if self.masked_until is not None:
            arrival = np.maximum(arrival, self.masked_until.take(cpu))
        idle = arrival - self.free.take(cpu)
        if not np.count_nonzero(idle < 0):  # nobody is in a handler, so none is pending
            begin = arrival + self._wake(idle, cpu)
            return self._run_handlers(begin, cpu, entered, lock=lock)
        pending = entered.take(cpu) > arrival
        self.coalesced.add(cpu[pending])
        fresh = ~pending
        if np.count_nonzero(fresh):
            begin = self._begin_between(arrival[fresh], idle[fresh], cpu[fresh])
            self._run_handlers(begin, cpu[fresh], entered, lock=lock)
        return entered.take(cpu), self.acked(cpu)

    def _begin_between(self, arrival: I64, idle: I64, cpu: I64) -> I64:
        """When each vCPU takes the interrupt: some are still in an earlier handler."""
        begin = arrival + self._notify
        busy = idle < 0
        begin[busy] = np.maximum(begin[busy], (arrival - idle)[busy])
        rest = ~busy
        if np.count_nonzero(rest):
            begin[rest] = arrival[rest] + self._wake(idle[rest], cpu[rest])
        return begin

    def _run_handlers(
        self, begin: I64, cpu: I64, entered: I64, *, lock: bool
    ) -> tuple[I64, I64]:
        """Handlers of vCPUs that have the interrupt injected at *begin*."""
        if self._hosts:
            begin = self._on_host_cpus(begin, cpu)
        entry = begin + self._entry_ps
        if lock:
            ack = self._pass_lock(entry + self._eoi) + self._work
        else:
            ack = entry + (self._eoi + self._work)
        entered[cpu] = entry
        self.free[cpu] = ack + self._exit_ps
        self.handlers.add(cpu)
        return entry, ack

    def _wake(self, idle: I64, cpu: I64) -> I64 | int:
        """From acceptance to injection, for vCPUs that have been *idle* so long."""
        if not self._halting:
            return self._notify
        if self.awake is None:
            return self._wake_halted(idle, cpu)
        wake = np.full(len(cpu), self._notify)
        asleep = ~self.awake.take(cpu)
        if np.count_nonzero(asleep):
            wake[asleep] = self._wake_halted(idle[asleep], cpu[asleep])
        return wake

    def _wake_halted(self, idle: I64, cpu: I64) -> I64 | int:
        """KVM's halt polling: it catches a vCPU within its window, grows and shrinks."""
        window = self._poll_window.take(cpu)
        blocked = idle > window
        if not np.count_nonzero(blocked):
            self.wakeups_polled += len(cpu)
            return self._wake_polled
        slept, late = idle[blocked], int(blocked.sum())
        self.wakeups_polled += len(cpu) - late
        self.wakeups_blocked += late
        self._poll_window[cpu[blocked]] = self._next_window(slept, window[blocked])
        return np.where(blocked, self._wake_blocked, self._wake_polled)

    def _next_window(self, slept: I64, window: I64) -> I64:
        grown = np.maximum(window * self._poll_grow, self._poll_start)
        grown = np.minimum(grown, self._poll_max)
        shrunk = window // self._poll_shrink if self._poll_shrink else window * 0
        return np.where(slept > self._poll_max, shrunk, grown)

    def _pass_lock(self, wanted: I64) -> I64:
        """
        When each has had the lock, first come first served.

        A free lock costs nothing more; a contended one is handed over.
        """
        order = wanted.argsort(kind="stable")
        turn = np.arange(len(wanted)) * self._handover
        queued = np.maximum(wanted[order], self._lock_free + self._handover) - turn
        released = np.maximum.accumulate(queued) + turn
        self._lock_free = int(released[-1])
        result = np.empty_like(wanted)
        result[order] = released
        return result

    def _on_host_cpus(self, begin: I64, cpu: I64) -> I64:
        """Delay by host CPUs that are busy with another vCPU."""
        assert self._hosts is not None  # noqa: S101 - the caller has checked
        if not self._halting:
            return self._next_turn(begin, cpu)
        run = self.shared_run_ps
        host = cpu % self._hosts
        order = np.lexsort((begin, host))
        host, base = host[order], int(begin.min())
        rank = np.arange(len(host)) - np.searchsorted(host, host)
        ready = np.maximum(begin[order], self._host_free[host]) - base
        # one lane of time for each host CPU, so that one scan serves them all
        lane = host * (int(ready.max()) + run * len(host) + 1)
        start = np.maximum.accumulate(ready - rank * run + lane) - lane + rank * run + base
        self._host_free[host] = start + run
        result = np.empty_like(begin)
        result[order] = start
        return result

    def _next_turn(self, begin: I64, cpu: I64) -> I64:
        """Busy vCPUs take turns of a time slice on their host CPU."""
        assert self._hosts is not None  # noqa: S101 - the caller has checked
        turns = -(-self.count // self._hosts)
        period = turns * self._timeslice
        turn_start = cpu // self._hosts * self._timeslice
        into = (begin - turn_start) % period
        return np.where(into < self._timeslice, begin, begin + period - into)
