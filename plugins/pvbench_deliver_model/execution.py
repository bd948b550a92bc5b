"""Execute raw programs on the model, for `pvbench.trials`; only counts matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import attrs
import numpy as np

from pvbench.guest import Guest
from pvbench.ops import U64, IrqRestore, IrqSave, Op, Program, Scan
from pvbench.trials import Ending, Outcome, Programs, disabled_by
from pvbench.x86.apic import NMI_VECTOR
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.host_era import in_guest
from pvbench_deliver_model.receivers import AlwaysRunning
from pvbench_deliver_model.sending import Sending
from pvbench_deliver_model.targets import Targets
from pvbench_deliver_model.timeline import Arrivals

_GP_VECTOR = 13


@attrs.define(eq=False)
class _Running:
    """
    A source that executes its program op by op.

    Args:
        now: the time at which the next op starts.
        depth: nested sections with interrupts disabled.
        pending: the vectors that the source has sent to itself in such a section.
    """

    source: int
    ops: Iterator[Op]
    sending: Sending
    now: int = 0
    depth: int = 0
    executed: int = 0
    returned: int = 0
    fault_op: int | None = None
    pending: set[int] = attrs.field(factory=set)

    @property
    def ending(self) -> Ending:
        """How the program ended."""
        vector = None if self.fault_op is None else _GP_VECTOR
        return Ending(self.returned & U64, vector, self.fault_op)


class Execution:
    """The CPUs of a guest in one boot; registers keep their values between trials."""

    def __init__(self, guest: Guest, cost_profile: CostProfile) -> None:
        self._guest, self._cost_profile = guest, in_guest(cost_profile, guest)
        self._sendings: dict[int, Sending] = {}

    def execute(self, programs: Programs, target_state: str) -> Outcome:
        """See `pvbench.trials.ExecutingGuest`."""
        self._targets = Targets(self._guest, self._cost_profile, target_state)
        self._targets.awake = np.zeros(len(self._guest.apic_ids), np.bool_)
        self._targets.awake[[source for source, _ in programs]] = True
        self._hits: Counter[tuple[int, int]] = Counter()
        disabled = disabled_by(programs, self._guest.apic_mode)
        running = [self._started(source, program, disabled) for source, program in programs]
        while unfinished := [one for one in running if self._step(one)]:
            unfinished.sort(key=lambda one: one.now)
        return Outcome(dict(self._hits), tuple(one.ending for one in running))

    def _started(self, source: int, program: Program, disabled: frozenset[int]) -> _Running:
        sending = self._sendings.get(source)
        if sending is None:
            sending = Sending(self._guest, source, self._cost_profile, AlwaysRunning())
            self._sendings[source] = sending
        sending.begin(disabled)
        ops = (op for op in program if not isinstance(op, Scan))
        return _Running(source=source, ops=ops, sending=sending)

    def _step(self, running: _Running) -> bool:
        """Execute the next op and let its targets accept the interrupts; False at the end."""
        op = next(running.ops, None)
        if op is None:
            return False
        running.depth += isinstance(op, IrqSave)
        line = running.sending.run((op,), running.now)
        running.now, running.returned = line.end, running.returned + line.returned
        if line.raised is not None and running.fault_op is None:
            running.fault_op = running.executed
        running.executed += 1
        for arrivals in line.arrivals:
            self._accept(running, arrivals)
        running.depth -= isinstance(op, IrqRestore)
        if not running.depth:
            self._handle_pending(running)
        return True

    def _accept(self, running: _Running, arrivals: Arrivals) -> None:
        vector = arrivals.vector
        is_own = arrivals.cpus == running.source
        if running.depth and vector != NMI_VECTOR and np.count_nonzero(is_own):
            running.pending.add(vector)
            arrivals = Arrivals(vector, arrivals.at[~is_own], arrivals.cpus[~is_own])
        self._run_handlers(arrivals)
        if np.count_nonzero(is_own):
            running.now = max(running.now, int(self._targets.free[running.source]))

    def _handle_pending(self, running: _Running) -> None:
        """Handle what came while interrupts were disabled, highest vector first."""
        for vector in sorted(running.pending, reverse=True):
            at, cpus = np.array([running.now]), np.array([running.source])
            self._run_handlers(Arrivals(vector, at, cpus))
            running.now = max(running.now, int(self._targets.free[running.source]))
        running.pending.clear()

    def _run_handlers(self, arrivals: Arrivals) -> None:
        """Let the targets accept interrupts, and count the handlers that run."""
        targets = self._targets
        targets.reset_counts()
        if len(arrivals.cpus):
            targets.accept(
                arrivals.at, arrivals.cpus, arrivals.vector, lock=False, distinct=False
            )
        for cpu, runs in enumerate(targets.handlers.tolist()):
            if runs:
                self._hits[cpu, arrivals.vector] += runs
