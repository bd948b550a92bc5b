"""
The call queues of `csd`: a CPU whose queue is not empty gets no further interrupt.

A call to such a CPU is piggybacked on the interrupt that is already on its way: the same
handler runs it.  Source: Linux, kernel/smp.c, smp_call_function_many_cond().
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np

from pvbench.slice_result import PartialSend
from pvbench_deliver_model.arrays import I64
from pvbench_deliver_model.source import Source
from pvbench_deliver_model.targets import NEVER, Targets

IN_FLIGHT: Final = 1 << 62


class CallQueues:
    """One queue for each CPU; it is empty once the handler that flushes it was entered."""

    def __init__(self, targets: Targets, handover_ps: int) -> None:
        self._targets, self._handover_ps = targets, handover_ps
        self._line_free = np.full(targets.count, NEVER, np.int64)
        self._flushed_at = np.full(targets.count, NEVER, np.int64)
        self._piggybacked: dict[int, list[tuple[Source, int]]] = {}
        self._partial: Counter[tuple[int, tuple[int, ...]]] = Counter()

    def queued(self, source: Source) -> int:
        """
        Let the burst of *source* reach the call queue of each target; return when it is over.

        Sources that queue for one CPU get the cache line of its queue one after the other.
        """
        before, free = source.queueing[:-1], self._line_free.take(source.cpus)
        waits = np.maximum.accumulate(np.maximum(free - before, source.now))
        source.looks = waits + before
        self._line_free[source.cpus] = source.looks + self._handover_ps
        return source.queued() + (int(waits[-1]) - source.now if len(waits) else 0)

    def queue(self, source: Source) -> tuple[int, ...] | None:
        """Queue the burst of *source*; return the CPUs to send to, or None for all of them."""
        flushed_at = self._flushed_at.take(source.cpus)
        full = flushed_at > source.looks
        if not np.count_nonzero(full):
            return None
        for slot in full.nonzero()[0].tolist():
            cpu = int(source.cpus[slot])
            if flushed_at[slot] == IN_FLIGHT:
                self._piggybacked.setdefault(cpu, []).append((source, slot))
                source.piggybacked += 1
            else:
                self._run_call(source, slot, cpu)
        cpus = tuple(source.cpus[~full].tolist())
        self._partial[source.index, cpus] += 1
        return cpus

    def sent(self, cpus: I64) -> None:
        """Note that interrupts to *cpus* are in flight; lost ones are not among them."""
        self._flushed_at[cpus] = IN_FLIGHT

    def flush(self, cpus: I64, entry: I64) -> None:
        """Let the handlers of *cpus* flush their queues at *entry*, with piggybacked calls."""
        self._flushed_at[cpus] = entry
        if self._piggybacked:
            for cpu in cpus.tolist():
                for source, slot in self._piggybacked.pop(cpu, ()):
                    source.piggybacked -= 1
                    self._run_call(source, slot, cpu)

    def partial_sends(self) -> list[PartialSend]:
        """Return the sends to fewer CPUs than the burst has, since the last call."""
        sends = [
            PartialSend(burst=burst, cpus=cpus, times=times)
            for (burst, cpus), times in sorted(self._partial.items())
        ]
        self._partial.clear()
        return sends

    def _run_call(self, source: Source, slot: int, cpu: int) -> None:
        """Add one call to the handler of *cpu* that is about to run."""
        targets = self._targets
        targets.prolong(cpu, lock=source.burst.lock)
        source.acks[slot] = targets.acked(cpu)
        source.entered = max(source.entered, int(self._flushed_at[cpu]))
