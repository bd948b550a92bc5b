"""
The turns of a busy source that shares its host CPU with other busy vCPUs.

The model times a burst as if the source ran all the time, and these times are then means
over the phase of the source's turn at which the burst starts.
"""

from __future__ import annotations

import attrs
import numpy as np

from pvbench_deliver_model.host_cpus import HostCpus
from pvbench_deliver_model.source import Source


@attrs.define(eq=False)
class SourceTurns:
    """
    The turns of the vCPU *cpu*.

    Args:
        hosts: None if it has its host CPU to itself, which changes no time.
    """

    cpu: int
    hosts: HostCpus | None
    bursts: int = 0

    def begin(self, at: int) -> None:
        """Begin the next burst *at* that time."""
        if self.hosts:
            self.hosts.begin_burst(self.cpu, at, self.bursts)
            self.bursts += 1

    def mean(self, spent_ps: int) -> int:
        """Return the mean time of what takes *spent_ps* without turns."""
        return self.hosts.resumed_ps(self.cpu, spent_ps) if self.hosts else spent_ps

    def delivered(self, source: Source) -> int:
        """Return the time until the last handler of a burst starts."""
        if not self.hosts:
            return source.entered - source.t0
        sent = source.send_end - source.t0
        return source.entered - source.t0 + self.mean(sent) - sent

    def ended(self, source: Source, end: int) -> int:
        """Return the time from the start of a burst to its *end* as the source sees it."""
        if not self.hosts:
            return end - source.t0
        mean = self.mean(end - source.t0)
        if not source.burst.wait:
            return mean
        if np.count_nonzero(self.hosts.runs_beside(source.cpus, self.cpu)):
            turn = self.hosts.next_turn(np.array([end]), np.array([self.cpu]))
            mean = max(mean, int(turn[0]) - source.t0)  # it ran while they did not
        return max(mean, self.delivered(source))
