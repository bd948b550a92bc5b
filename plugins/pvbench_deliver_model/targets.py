"""
Target vCPUs: how an interrupt is handled after the hypervisor has accepted it.

Each array has one entry per vCPU; times are integer picoseconds.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pvbench.guest import Guest
from pvbench_deliver_model.arrays import I64, Flags
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.host_cpus import HostCpus, shared_host_cpus
from pvbench_deliver_model.tally import Tally

NEVER: Final = -(1 << 62)


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
        self._hosts = shared_host_cpus(guest, cost_profile)
        self.free = np.zeros(count, np.int64)  # end of the last handler
        self._poll_window = np.zeros(count, np.int64)
        self._entered: dict[int, I64] = {}  # vector -> entry of its last handler
        self._first_position = np.empty(count, np.int64)
        self._lock_free = NEVER
        self.awake: Flags | None = None  # vCPUs that are executing: the senders
        self.masked_until: I64 | None = None  # senders take no interrupt before that
        self.reset_counts()

    @property
    def state(self) -> str:
        """The state of the targets; busy vCPUs that share host CPUs are often preempted."""
        if self._halting:
            return "halted"
        return "preempted" if self._hosts else "running"

    @property
    def hosts_of_woken(self) -> HostCpus | None:
        """The host CPUs on which woken targets displace other vCPUs."""
        return self._hosts if self._halting else None

    def not_running(self, cpus: I64, at: I64) -> Flags:
        """Return which of *cpus* no host CPU executes or polls for at the times *at*."""
        if self._halting:
            absent: Flags = at - self.free.take(cpus) > self._poll_window.take(cpus)
        elif self._hosts:
            absent = self._hosts.next_turn(at, cpus) > at
        else:
            return np.zeros(len(cpus), np.bool_)
        return absent if self.awake is None else absent & ~self.awake.take(cpus)

    def acked(self, cpu: I64 | int) -> I64:
        """Return when the last handler of each *cpu* acknowledged."""
        return self.free.take(cpu) - self._exit_ps

    def prolong(self, cpu: int, *, lock: bool) -> None:
        """Add one function call to the handler that *cpu* is about to run."""
        self.free[cpu] += self._work + (self._handover if lock else 0)
        self.functions.add(np.array([cpu]))

    def reset_counts(self) -> None:
        """Reset the counters, but not the state of the vCPUs."""
        self.handlers = Tally(self.count)
        self.coalesced = Tally(self.count)
        self.functions = Tally(self.count)
        self.wakeups_polled = self.wakeups_blocked = 0

    def accept(
        self, arrival: I64, cpu: I64, vector: int, *, lock: bool, distinct: bool
    ) -> tuple[I64, I64]:
        """
        Let each *cpu* accept an interrupt at *arrival*; the times are ascending.

        Returns:
            For each interrupt, the entry of the handler that serves it and the time of
            its acknowledgement.
        """
        if distinct or self._first_of_each(cpu) is None:
            return self._accept_distinct(arrival, cpu, vector, lock=lock)
        entry, ack = np.empty_like(arrival), np.empty_like(arrival)
        remaining = np.arange(len(cpu))
        while len(remaining):
            first = self._first_of_each(cpu[remaining])
            batch = remaining if first is None else remaining[first]
            entry[batch], ack[batch] = self._accept_distinct(
                arrival[batch], cpu[batch], vector, lock=lock
            )
            remaining = remaining[:0] if first is None else remaining[~first]
        return entry, ack

    def _first_of_each(self, cpu: I64) -> Flags | None:
        """Return which entries are the first of their CPU; None if all are."""
        if not np.count_nonzero(cpu[1:] <= cpu[:-1]):  # ascending
            return None
        position = np.arange(len(cpu))
        self._first_position[cpu[::-1]] = position[::-1]
        first: Flags = self._first_position.take(cpu) == position
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
        if not np.count_nonzero(idle < 0):  # no CPU is in a handler, so none is pending
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
        """Return when each vCPU takes the interrupt; some are still in an earlier handler."""
        begin = arrival + self._notify
        busy = idle < 0
        begin[busy] = np.maximum(begin[busy], (arrival - idle)[busy])
        halted = ~busy
        if np.count_nonzero(halted):
            begin[halted] = arrival[halted] + self._wake(idle[halted], cpu[halted])
        return begin

    def _run_handlers(
        self, begin: I64, cpu: I64, entered: I64, *, lock: bool
    ) -> tuple[I64, I64]:
        """Run the handlers of vCPUs whose interrupt is injected at *begin*."""
        if self._hosts:
            start = self._hosts.queued if self._halting else self._hosts.next_turn
            begin = start(begin, cpu)
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
        """Return the time from acceptance to injection, for vCPUs *idle* for that time."""
        if not self._halting:
            return self._notify
        if self.awake is None:
            return self._wake_halted(idle, cpu)
        wake = np.full(len(cpu), self._notify)
        halted = ~self.awake.take(cpu)
        if np.count_nonzero(halted):
            wake[halted] = self._wake_halted(idle[halted], cpu[halted])
        return wake

    def _wake_halted(self, idle: I64, cpu: I64) -> I64 | int:
        """Wake halted vCPUs; KVM polls within a window, which it grows and shrinks."""
        window = self._poll_window.take(cpu)
        blocked = idle > window
        if not np.count_nonzero(blocked):
            self.wakeups_polled += len(cpu)
            return self._wake_polled
        blocked_count = int(blocked.sum())
        self.wakeups_polled += len(cpu) - blocked_count
        self.wakeups_blocked += blocked_count
        self._poll_window[cpu[blocked]] = self._next_window(idle[blocked], window[blocked])
        return np.where(blocked, self._wake_blocked, self._wake_polled)

    def _next_window(self, halted_for: I64, window: I64) -> I64:
        grown = np.maximum(window * self._poll_grow, self._poll_start)
        grown = np.minimum(grown, self._poll_max)
        shrunk = window // self._poll_shrink if self._poll_shrink else window * 0
        return np.where(halted_for > self._poll_max, shrunk, grown)

    def _pass_lock(self, requested: I64) -> I64:
        """
        Return when each requester releases the lock, in the order of the requests.

        A free lock costs no extra time; a contended one costs a hand-over.
        """
        order = requested.argsort(kind="stable")
        turn = np.arange(len(requested)) * self._handover
        queued = np.maximum(requested[order], self._lock_free + self._handover) - turn
        released = np.maximum.accumulate(queued) + turn
        self._lock_free = int(released[-1])
        result = np.empty_like(requested)
        result[order] = released
        return result
