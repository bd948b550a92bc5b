"""Sends that do not exit: the processor serves their targets; AVIC exits for some of them."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from pvbench.decode.sends import Sends
from pvbench_deliver_model.arrays import I64, Flags
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.delays import State, settled
from pvbench_deliver_model.receivers import Receivers
from pvbench_deliver_model.timeline import DISTINCT, Arrivals, Timeline


@attrs.frozen(eq=False)
class _Writes:
    """
    The ops of a send.

    Args:
        op: the op of each target.
        took: the time of each op.
        after: the time from the start of its op until each target is served.
    """

    op: I64
    took: I64
    after: I64

    def served_at(self, clock: int) -> I64:
        """When each target is served if the first op begins at *clock*."""
        served_at: I64 = (clock + self.took.cumsum() - self.took)[self.op] + self.after
        return served_at


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
        writes = self._writes(send, write_ps)
        if self._not_running is not None and len(send.cpus):
            writes, exits = self._with_exits(send.cpus, line.end, writes)
            line.exits += exits
        if len(send.cpus):
            served_at = writes.served_at(line.end)
            order = served_at.argsort(kind="stable")
            distinct = send.route in DISTINCT
            line.arrivals.append(
                Arrivals(send.vector, served_at[order], send.cpus[order], distinct)
            )
        line.end += int(writes.took.sum())

    def _writes(self, send: Sends, write_ps: int) -> _Writes:
        """The ops of *send* without exits."""
        op = np.zeros(len(send.cpus), np.int64) if send.op_of_hit is None else send.op_of_hit
        rank = np.arange(len(op)) - op.searchsorted(op)
        further = np.maximum(np.bincount(op, minlength=send.ops) - 1, 0)
        return _Writes(
            op=op,
            took=write_ps + self._further_ps * further,
            after=int(write_ps * self._direct_share) + self._further_ps * rank,
        )

    def _with_exits(self, cpus: I64, clock: int, writes: _Writes) -> tuple[_Writes, int]:
        """
        Add the exits that AVIC has for *cpus*; return the number of exits too.

        The processor sets the bits of all targets before it exits, and KVM that polls for a
        halted vCPU sees its bit then.  Other targets that do not run wait for the exit.
        """
        _, state = settled(
            writes.served_at(clock),
            lambda at: self._absent(cpus, at),
            lambda state: self._exited(writes, *state).served_at(clock),
        )
        if state is None:
            return writes, 0
        late, _ = state
        exited = self._exited(writes, *state)
        waiting = late & ~self._receivers.polled(cpus, exited.served_at(clock))
        after = np.where(waiting, self._waits(writes, *state), writes.after)
        return attrs.evolve(exited, after=after), len(np.unique(writes.op[late]))

    def _absent(self, cpus: I64, at: I64) -> State | None:
        """Which of *cpus* do not run *at* these times, and which of these KVM has to wake."""
        assert self._not_running is not None  # noqa: S101 - the caller has checked
        late = self._not_running(cpus, at)
        if not np.count_nonzero(late):
            return None
        blocked = self._receivers.blocked(cpus, at)
        return late, np.zeros_like(late) if blocked is None else late & blocked

    def _exited(self, writes: _Writes, late: Flags, blocked: Flags) -> _Writes:
        """*writes* with exits for the targets that are *late*; no target waits for them yet."""
        has_exit = np.bincount(writes.op[late], minlength=len(writes.took)) > 0
        in_exit = np.bincount(writes.op, self._each(late, blocked), len(writes.took))
        took = writes.took + has_exit * self._incomplete_ps + in_exit.astype(np.int64)
        return attrs.evolve(writes, took=took)

    def _waits(self, writes: _Writes, late: Flags, blocked: Flags) -> I64:
        """How long after the start of its op KVM has served each target in an exit."""
        until = np.concatenate(([0], self._each(late, blocked).cumsum()))
        first = writes.op.searchsorted(writes.op)
        entry = int(self._incomplete_ps * self._entry_share)
        waits: I64 = writes.took[writes.op] + entry + until[1:] - until[first]
        return waits

    def _each(self, late: Flags, blocked: Flags) -> I64:
        """The time that KVM takes for each target in an exit."""
        each: I64 = late * self._deliver_ps + blocked * self._wake_ps
        return each
