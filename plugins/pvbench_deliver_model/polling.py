"""Idle CPUs whose loop polls their call queue, so that a single call needs no interrupt."""

from __future__ import annotations

import numpy as np

from pvbench.delivery import Task
from pvbench.dispatch import polling_cpus
from pvbench.guest import Guest
from pvbench_deliver_model.arrays import I64
from pvbench_deliver_model.source import Source
from pvbench_deliver_model.targets import Targets


class PollingCpus:
    """The polling CPUs of a slice, which notice a call after *notice_ps*."""

    def __init__(self, guest: Guest, task: Task, notice_ps: int, targets: Targets) -> None:
        sources = [burst.source for burst in task.bursts]
        self._cpus = polling_cpus(task.target_state, sources, guest)
        self._notice_ps, self._targets = notice_ps, targets

    def call(
        self, source: Source, cpus: tuple[int, ...] | I64, queued_at: int
    ) -> tuple[I64, I64] | None:
        """
        Let the only one of *cpus* run the call of *source* in its idle loop, if that polls.

        It gets no interrupt: the program of the burst is empty.

        Returns:
            That CPU and the time at which its function starts, as arrays; None if none polls.
        """
        if not self._cpus or source.burst.protocol != "csd" or len(cpus) != 1:
            return None
        cpu = int(cpus[0])
        if cpu not in self._cpus:
            return None
        entry, ack = self._targets.call_polling(cpu, queued_at + self._notice_ps)
        source.entered = max(source.entered, entry)
        source.acks[source.slot_of_cpu[cpu]] = ack
        return np.array([cpu]), np.array([entry])
