"""
The call lists of `csd`: no interrupt to a CPU whose list is not empty.

A request for such a CPU rides on the interrupt that is under way, and is worked
off by the same handler.  Source: Linux, kernel/smp.c, smp_call_function_many_cond().
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from pvbench.slice_result import PartialSend
from pvbench_deliver_model.source import Source
from pvbench_deliver_model.targets import NEVER, Targets

I64 = npt.NDArray[np.int64]

UNDER_WAY: Final = 1 << 62


class CallLists:
    """One list for each CPU; it is empty from the entry of the handler that takes it."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._taken_at = np.full(targets.count, NEVER, np.int64)
        self._rides: dict[int, list[tuple[Source, int]]] = {}
        self._partial: Counter[tuple[int, tuple[int, ...]]] = Counter()

    def queue(self, source: Source) -> tuple[int, ...] | None:
        """Queue the burst of *source*; the CPUs to send to, None for all of them."""
        taken_at = self._taken_at.take(source.cpus)
        full = taken_at > source.now
        if not np.count_nonzero(full):
            return None
        for slot in full.nonzero()[0].tolist():
            cpu = int(source.cpus[slot])
            if taken_at[slot] == UNDER_WAY:
                self._rides.setdefault(cpu, []).append((source, slot))
                source.riders += 1
            else:
                self._work_off(source, slot, cpu)
        cpus = tuple(source.cpus[~full].tolist())
        self._partial[source.index, cpus] += 1
        return cpus

    def sent(self, cpus: I64) -> None:
        """Interrupts to *cpus* are under way; what is lost leaves its list empty."""
        self._taken_at[cpus] = UNDER_WAY

    def taken(self, cpus: I64, entry: I64) -> None:
        """Handlers of *cpus* take their lists at *entry*, rides included."""
        self._taken_at[cpus] = entry
        if self._rides:
            for cpu in cpus.tolist():
                for source, slot in self._rides.pop(cpu, ()):
                    source.riders -= 1
                    self._work_off(source, slot, cpu)

    def partial_sends(self) -> list[PartialSend]:
        """Sends to fewer CPUs than asked for, since the last call."""
        found = [
            PartialSend(burst=burst, cpus=cpus, times=times)
            for (burst, cpus), times in sorted(self._partial.items())
        ]
        self._partial.clear()
        return found

    def _work_off(self, source: Source, slot: int, cpu: int) -> None:
        """One more entry for the handler of *cpu* that is about to run."""
        targets = self._targets
        targets.prolong(cpu, lock=source.burst.lock)
        source.acks[slot] = targets.acked(cpu)
        source.entered = max(source.entered, int(self._taken_at[cpu]))
