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
from pvbench_deliver_model.halt_polling import Halt, HaltPolling
from pvbench_deliver_model.host_cpus import HostCpus, shared_host_cpus
from pvbench_deliver_model.host_era import BLOCKED_BEFORE_POLLED
from pvbench_deliver_model.tally import Tally

NEVER: Final = -(1 << 62)


class Targets:
    """The vCPUs of a guest as receivers of interrupts."""

    def __init__(self, guest: Guest, cost_profile: CostProfile, target_state: str) -> None:
        count = len(guest.apic_ids)
        ps = cost_profile.ps
        self.count = count
        self._target_state = target_state
        self._halting = target_state == "halted"
        emulated = cost_profile.local_apic == "emulated"
        self._is_bare = cost_profile.local_apic == "bare"
        self._notify = ps("kick" if emulated else "posted_notification")
        self._polling = HaltPolling(count, cost_profile)
        self._blocks_first = BLOCKED_BEFORE_POLLED.holds(cost_profile)
        self._entry_ps = ps("interrupt_entry")
        self._eoi = ps("eoi_exit" if emulated and not cost_profile.pv_eoi else "eoi")
        self._work, self._exit_ps = ps("handler_work"), ps("interrupt_exit")
        self._handover = ps("lock_handover")
        self._hosts = shared_host_cpus(guest, cost_profile)
        self.free = np.zeros(count, np.int64)  # end of the last handler
        self._entered: dict[int, I64] = {}  # vector -> entry of its last handler
        self._first_position = np.empty(count, np.int64)
        self._lock_free = NEVER
        self._last_halt: Halt | None = None
        self.awake: Flags | None = None  # vCPUs that are executing: the senders
        self.masked_until: I64 | None = None  # senders take no interrupt before that
        self.reset_counts()

    def watch(self, senders: list[int]) -> None:
        """Track *senders* as targets: they never halt and send with IRQs masked."""
        self.awake = np.zeros(self.count, np.bool_)
        self.awake[senders] = True
        self.masked_until = np.zeros(self.count, np.int64)

    @property
    def state(self) -> str:
        """The state of the targets; busy vCPUs that share host CPUs are often preempted."""
        if self._halting:
            return self._target_state
        return "preempted" if self._hosts else self._target_state

    @property
    def hosts_of_woken(self) -> HostCpus | None:
        """The host CPUs on which woken targets displace other vCPUs."""
        return self._hosts if self._halting else None

    @property
    def hosts_of_busy(self) -> HostCpus | None:
        """The host CPUs on which busy vCPUs take turns."""
        return None if self._halting else self._hosts

    def not_running(self, cpus: I64, at: I64) -> Flags:
        """See `Receivers.not_running`."""
        absent: Flags | None = None
        if self._halting:
            absent = self.blocked(cpus, at)
            if self._blocks_first:
                polled = self.polled(cpus, at)
                absent = polled if absent is None else absent | polled
        elif self._hosts:
            absent = self._hosts.next_turn(at, cpus) > at
            if self.awake is not None:
                absent &= ~self.awake.take(cpus)
        return np.zeros(len(cpus), np.bool_) if absent is None else absent

    def polled(self, cpus: I64, at: I64) -> Flags:
        """See `Receivers.polled`."""
        return self._halt(cpus, at).polled if self._halting else np.zeros(len(cpus), np.bool_)

    def blocked(self, cpus: I64, at: I64) -> Flags | None:
        """See `Receivers.blocked`."""
        return self._halt(cpus, at).blocked if self._halting else None

    def wait(self, at: I64, waits: I64) -> None:
        """See `Receivers.wait`."""
        if self._last_halt is not None:
            self._last_halt = self._polling.later(self._last_halt, at, waits)

    def _halt(self, cpu: I64, at: I64) -> Halt:
        """Return the halts of each *cpu* until *at*; the last ones are kept until they end."""
        halt = self._last_halt
        if halt is None or halt.cpu is not cpu or halt.until is not at:
            executing = None if self.awake is None else self.awake.take(cpu)
            idle = at - self.free.take(cpu)
            self._last_halt = halt = self._polling.halt(cpu, at, idle, executing)
        return halt

    def acked(self, cpu: I64 | int) -> I64:
        """Return when the last handler of each *cpu* acknowledged."""
        return self.free.take(cpu) - self._exit_ps

    def call_polling(self, cpu: int, noticed_at: int) -> tuple[int, int]:
        """Let the idle loop of *cpu* run a call; return when it begins and acknowledges."""
        entry = max(noticed_at, int(self.free[cpu]))
        self.free[cpu] = entry + self._work
        self.functions.add(np.array([cpu]))
        return entry, entry + self._work

    def prolong(self, cpu: int, *, lock: bool) -> None:
        """Add one function call to the handler that *cpu* is about to run."""
        self._last_halt = None
        self.free[cpu] += self._work + (self._handover if lock else 0)
        self.functions.add(np.array([cpu]))

    @property
    def wakeups(self) -> tuple[int | None, int | None]:
        """
        The wake-ups of halted vCPUs that KVM polled for, and of those that were blocked.

        They are None on bare metal, which has no KVM.
        """
        if self._is_bare:
            return None, None
        return self._polling.wakeups_polled, self._polling.wakeups_blocked

    def poll_longest(self) -> None:
        """Let halt polling be as long as it gets, as after many short halts."""
        self._last_halt = None
        self._polling.open_longest()

    def reset_counts(self) -> None:
        """Reset the counters, but not the state of the vCPUs."""
        self.handlers = Tally(self.count)
        self.coalesced = Tally(self.count)
        self.functions = Tally(self.count)
        self._polling.reset_counts()

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
        halt = self._halt(cpu, arrival) if self._halting else None
        idle = halt.idle if halt else arrival - self.free.take(cpu)
        is_long = halt is not None and halt.window is None
        if is_long or not np.count_nonzero(idle < 0):  # none is in a handler or pending
            begin = arrival + (self._polling.wake(halt, self._notify) if halt else self._notify)
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
        if self._halting and np.count_nonzero(halted):
            halt = self._halt(cpu[halted], arrival[halted])
            begin[halted] = halt.until + self._polling.wake(halt, self._notify)
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
        self._last_halt = None
        entered[cpu] = entry
        self.free[cpu] = ack + self._exit_ps
        self.handlers.add(cpu)
        return entry, ack

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
