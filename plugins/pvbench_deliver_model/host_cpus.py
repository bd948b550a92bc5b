"""
Host CPUs that the vCPUs of a guest share.

Arrays have one entry for each host CPU; times are integer picoseconds.
"""

from __future__ import annotations

import numpy as np

from pvbench.guest import Guest
from pvbench_deliver_model.arrays import I64, Flags
from pvbench_deliver_model.cost_profile import CostProfile


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
        self._period = -(-vcpus // count) * self._timeslice
        entry = ps("wake_blocked") + ps("interrupt_entry") + ps("eoi")
        self.run_ps = entry + ps("handler_work") + ps("interrupt_exit")
        self._free = np.zeros(count, np.int64)  # when the last woken vCPU leaves it

    def runs_beside(self, cpus: I64, source: int) -> Flags:
        """Return which of *cpus* run on the host CPU of *source*."""
        same_host_cpu: Flags = cpus % self._count == source % self._count
        return same_host_cpu

    def next_turn(self, begin: I64, cpu: I64) -> I64:
        """Return when each busy vCPU next runs: they take turns, one time slice each."""
        turn_start = cpu // self._count * self._timeslice
        elapsed = (begin - turn_start) % self._period
        return np.where(elapsed < self._timeslice, begin, begin + self._period - elapsed)

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
        self._free[host] = start + run
        result = np.empty_like(begin)
        result[order] = start
        return result


def shared_host_cpus(guest: Guest, cost_profile: CostProfile) -> HostCpus | None:
    """The host CPUs that the vCPUs of *guest* share; None if each has its own."""
    vcpus = len(guest.apic_ids)
    if guest.host_cpus is None or guest.host_cpus >= vcpus:
        return None
    return HostCpus(guest.host_cpus, vcpus, cost_profile)
