"""Sends that do not exit: the processor serves their targets; AVIC exits for some of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pvbench.decode.sends import Sends
from pvbench_deliver_model.arrays import I64, Flags
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.receivers import Receivers
from pvbench_deliver_model.timeline import DISTINCT, Arrivals, Timeline


class DirectSends:
    """The sends of one CPU that do not exit themselves."""

    def __init__(
        self,
        source: int,
        cost_profile: CostProfile,
        receivers: Receivers,
    ) -> None:
        ps, ratios = cost_profile.ps, cost_profile.ratios
        self._source = source
        self._entry_share = ratios["exit_entry_share"].ps
        self._direct_share = ratios["direct_entry_share"].ps
        self._deliver_ps, self._further_ps = ps("deliver_target"), ps("deliver_direct")
        self._wake_ps = ps("wake_sender")
        self._receivers = receivers
        self._incomplete_ps = ps("avic_incomplete")
        self._not_running: Callable[[I64, I64], Flags] | None = None
        if cost_profile.local_apic == "avic":
            self._not_running = receivers.not_running
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
        after = int(write_ps * self._direct_share) + self._further_ps * rank
        further = np.maximum(np.bincount(op, minlength=send.ops) - 1, 0)
        took = write_ps + self._further_ps * further
        if self._not_running is not None and len(op):
            late, each = self._late(send.cpus, line.end, op, after, took)
            if np.count_nonzero(late):
                after, took, exits = self._exit_for(op, late, each, after, took)
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

    def _late(self, cpus: I64, clock: int, op: I64, after: I64, took: I64) -> tuple[Flags, I64]:
        """
        Return which targets do not run when their op, begun at *clock* or later, serves them.

        An exit delays the ops after it, so all are tested again until the result is
        stable; each round fixes the result of at least one more op.

        Returns:
            These targets, and the time that KVM takes for each of them in an exit.
        """
        assert self._not_running is not None  # noqa: S101 - the caller has checked
        late, each, longer = np.zeros(len(op), np.bool_), np.zeros(len(op), np.int64), took
        while True:
            start = clock + longer.cumsum() - longer
            absent = self._not_running(cpus, start[op] + after)
            blocked = self._receivers.blocked(cpus, start[op] + after)
            needed = absent * self._deliver_ps
            if blocked is not None:
                needed += (absent & blocked) * self._wake_ps
            if not np.count_nonzero(needed != each) and not np.count_nonzero(absent != late):
                return late, each
            late, each = absent, needed
            _, longer, _ = self._exit_for(op, late, each, after, took)

    def _exit_for(
        self, op: I64, late: Flags, each: I64, after: I64, took: I64
    ) -> tuple[I64, I64, int]:
        """
        Add the exits in which KVM takes *each* time to wake the targets that are *late*.

        Returns:
            *after* and *took* with these exits, and the number of exits.
        """
        has_exit = np.bincount(op[late], minlength=len(took)) > 0
        first = op.searchsorted(np.arange(len(took) + 1))
        until = np.concatenate(([0], each.cumsum()))  # each one, summed over all ops
        entry = int(self._incomplete_ps * self._entry_share)
        waits = took[op] + entry + until[1:] - until[first[op]]
        longer = took + has_exit * self._incomplete_ps + until[first[1:]] - until[first[:-1]]
        return np.where(late, waits, after), longer, int(np.count_nonzero(has_exit))
