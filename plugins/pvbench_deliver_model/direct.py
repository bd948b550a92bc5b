"""Sends that do not exit: the processor serves their targets; AVIC exits for some of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pvbench.decode.sends import Sends
from pvbench_deliver_model.arrays import I64, Flags
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.timeline import DISTINCT, Arrivals, Timeline


class DirectSends:
    """The sends of one CPU that do not exit themselves."""

    def __init__(
        self,
        source: int,
        cost_profile: CostProfile,
        not_running: Callable[[I64, I64], Flags],
    ) -> None:
        ps, ratios = cost_profile.ps, cost_profile.ratios
        self._source = source
        self._entry_share = ratios["exit_entry_share"].ps
        self._direct_share = ratios["direct_entry_share"].ps
        self._deliver_ps, self._direct_hit_ps = ps("deliver_target"), ps("deliver_direct")
        self._incomplete_ps = ps("avic_incomplete")
        self._not_running: Callable[[I64, I64], Flags] | None = None
        if cost_profile.local_apic == "avic":
            self._not_running = not_running
        elif cost_profile.local_apic == "avic-exits":
            self._not_running = self._others

    def _others(self, cpus: I64, at: I64) -> Flags:
        """Which of *cpus* are not the source; their interrupts exit even if they run."""
        is_other: Flags = cpus != self._source
        return is_other

    def serve(self, send: Sends, write_ps: int, line: Timeline) -> None:
        """Let the processor serve the targets; AVIC exits once for those not running."""
        op = np.zeros(len(send.cpus), np.int64) if send.op_of_hit is None else send.op_of_hit
        rank = np.arange(len(op)) - op.searchsorted(op)
        entry = int(write_ps * self._direct_share)
        after = entry + self._direct_hit_ps * (rank + 1)  # since the start of the op
        took = write_ps + self._direct_hit_ps * np.bincount(op, minlength=send.ops)
        if self._not_running is not None and len(op):
            late = self._late(send.cpus, line.end, op, after, took)
            if np.count_nonzero(late):
                after, took, exits = self._exit_for(op, late, after, took)
                line.exits += exits
        start = line.end + took.cumsum() - took
        line.end += int(took.sum())
        if len(op):
            arrival_times = start[op] + after
            order = arrival_times.argsort(kind="stable")
            distinct = send.route in DISTINCT
            line.arrivals.append(
                Arrivals(send.vector, arrival_times[order], send.cpus[order], distinct)
            )

    def _late(self, cpus: I64, clock: int, op: I64, after: I64, took: I64) -> Flags:
        """
        Return which targets do not run when their op, begun at *clock* or later, serves them.

        An exit delays the ops after it, so all are tested again until the result is
        stable; each round fixes the result of at least one more op.
        """
        assert self._not_running is not None  # noqa: S101 - the caller has checked
        late = np.zeros(len(op), np.bool_)
        longer = took
        while True:
            start = clock + longer.cumsum() - longer
            absent = self._not_running(cpus, start[op] + after)
            if not np.count_nonzero(absent != late):
                return late
            late = absent
            _, longer, _ = self._exit_for(op, late, after, took)

    def _exit_for(self, op: I64, late: Flags, after: I64, took: I64) -> tuple[I64, I64, int]:
        """
        Add the exits in which KVM wakes the targets that are *late*.

        Returns:
            *after* and *took* with these exits, and the number of exits.
        """
        woken = np.bincount(op[late], minlength=len(took))
        rank = late.cumsum() - 1
        rank -= np.concatenate(([0], woken.cumsum()))[op]
        entry = int(self._incomplete_ps * self._entry_share)
        waits = took[op] + entry + self._deliver_ps * (rank + 1)
        longer = took + (woken > 0) * self._incomplete_ps + woken * self._deliver_ps
        return np.where(late, waits, after), longer, int(np.count_nonzero(woken))
