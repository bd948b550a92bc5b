"""
Host CPUs that the vCPUs of a guest share.

Arrays have one entry for each host CPU; times are integer picoseconds.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pvbench.guest import Guest
from pvbench_deliver_model.arrays import I64, Flags
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.timeline import Arrivals
from pvbench_deliver_model.unsupported import shares_host_cpus

_GOLDEN: Final = (5**0.5 - 1) / 2  # its multiples are spread evenly between whole numbers


class HostCpus:
    """
    Host CPUs, fewer than vCPUs: each vCPU runs on the one of its number modulo theirs.

    Attributes:
        run_ps: the time for which a vCPU that is woken for an interrupt occupies one.
    """

    def __init__(self, count: int, vcpus: int, cost_profile: CostProfile) -> None:
        self._count = count
        ps = cost_profile.ps
        self._timeslice = ps("timeslice")
        self._sharers = np.bincount(np.arange(vcpus) % count, minlength=count)
        self._period = self._sharers * self._timeslice
        self._round_start = np.zeros(count, np.int64)
        self._phase_steps = ((np.arange(count) + 1) ** 2 * _GOLDEN) % 1
        entry = ps("interrupt_entry") + ps("eoi")
        self._handler_ps = entry + ps("handler_work") + ps("interrupt_exit")
        self.run_ps = ps("wake_blocked") + self._handler_ps
        self._free = np.zeros(count, np.int64)  # when the last woken vCPU leaves it

    def runs_beside(self, cpus: I64, source: int) -> Flags:
        """Return which of *cpus* run on the host CPU of *source*."""
        same_host_cpu: Flags = cpus % self._count == source % self._count
        return same_host_cpu

    def begin_burst(self, source: int, at: int, number: int) -> None:
        """
        Let burst *number* of busy vCPU *source* begin *at* a time of its own turn.

        Each host CPU is then at another phase of its round, and all phases come up equally
        often, so that a slice depends neither on its start nor on its length.
        """
        phase = (number + 1) * self._phase_steps % 1
        elapsed = (phase * self._period).astype(np.int64)
        host = source % self._count
        elapsed[host] = (source // self._count + phase[host]) * self._timeslice
        self._round_start = at - elapsed

    def next_turn(self, begin: I64, cpu: I64) -> I64:
        """Return when each busy vCPU next runs: they take turns, one time slice each."""
        host, period = cpu % self._count, self._period.take(cpu % self._count)
        turn_start = self._round_start.take(host) + cpu // self._count * self._timeslice
        elapsed = (begin - turn_start) % period
        return np.where(elapsed < self._timeslice, begin, begin + period - elapsed)

    def resumed_ps(self, cpu: int, spent_ps: int) -> int:
        """
        Return the mean time until busy vCPU *cpu* goes on after *spent_ps*.

        The time begins anywhere in the turn of the vCPU.  Where it ends outside of a turn,
        the vCPU goes on with its next one.
        """
        period, turn = int(self._period[cpu % self._count]), self._timeslice
        elapsed = spent_ps % period
        before = max(0, period - max(elapsed, turn)) ** 2
        after = max(0, period - elapsed - turn) ** 2
        return spent_ps + (before - after) // (2 * turn)

    def preempt(self, source: int, sends: list[Arrivals]) -> int:
        """Let woken targets displace *source* on its host CPU; return its delay."""
        delay = 0
        for arrivals in sends:
            same_host_cpu = self.runs_beside(arrivals.cpus, source)
            before: I64 = same_host_cpu.cumsum() - same_host_cpu
            arrivals.at[:] += delay + before * self.run_ps
            delay += int(same_host_cpu.sum()) * self.run_ps
        return delay

    def queued(self, begin: I64, cpu: I64) -> I64:
        """Return when the handler of each woken vCPU starts, one after the other."""
        run = self.run_ps
        host = cpu % self._count
        order = np.lexsort((begin, host))
        host, base = host[order], int(begin.min())
        rank = np.arange(len(host)) - np.searchsorted(host, host)
        starts = np.maximum(begin[order], self._free[host]) - base
        # each host CPU gets its own range of times, so that one scan handles all of them
        lane = host * (int(starts.max()) + run * len(host) + 1)
        start = np.maximum.accumulate(starts - rank * run + lane) - lane + rank * run + base
        self._free[host] = start + self._handler_ps  # one that comes later is awake by then
        result = np.empty_like(begin)
        result[order] = start
        return result


def shared_host_cpus(guest: Guest, cost_profile: CostProfile) -> HostCpus | None:
    """The host CPUs that the vCPUs of *guest* share; None if each has its own."""
    if not shares_host_cpus(guest):
        return None
    assert guest.host_cpus is not None  # noqa: S101 - it shares them
    return HostCpus(guest.host_cpus, len(guest.apic_ids), cost_profile)
