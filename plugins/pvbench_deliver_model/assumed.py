"""
The part of a modelled time that depends on assumed costs.

Times are sums and maxima of costs, so a time equals the sum of each cost times the
derivative of the time by that cost.  The part of the assumed costs follows from a second
run in which they are a little smaller or greater.  A time jumps where KVM stops polling
for a halted vCPU, so the second run must have the exits and wake-ups of the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from pvbench.delivery import LoadedTask, Task
from pvbench.guest import Guest
from pvbench.slice_result import Counts, SliceResult
from pvbench.trials import Outcome, Programs
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.engine import Engine
from pvbench_deliver_model.execution import Execution

_STEPS: Final = (-0.01, 0.01, -0.001, 0.001)


class Modelled:
    """A booted guest of the model; see `pvbench.delivery.BootedGuest`."""

    def __init__(self, guest: Guest, cost_profile: CostProfile) -> None:
        self._guest, self._cost_profile = guest, cost_profile
        self._engine = Engine(guest, cost_profile)
        self._execution = Execution(guest, cost_profile)

    def load(self, task: Task) -> LoadedTask:
        """See `pvbench.delivery.BootedGuest`."""
        return _LoadedTask(self._guest, self._cost_profile, task, self._engine.load(task))

    def execute(self, programs: Programs, target_state: str) -> Outcome:
        """See `pvbench.trials.ExecutingGuest`."""
        return self._execution.execute(programs, target_state)


@attrs.frozen
class _LoadedTask:
    """A task whose results state the assumed part of each series."""

    guest: Guest
    cost_profile: CostProfile
    task: Task
    exact: LoadedTask

    def run(self, *, loops: int, warmup: int) -> SliceResult:
        """Return the slice result; it has no parts if the smallest step changes its counts."""
        result = self.exact.run(loops=loops, warmup=warmup)
        for step, other in self._others(loops, warmup):
            if _same_course(result.counts, other.counts):
                names = sorted(result.distributions.keys() & other.distributions.keys())
                parts = {name: _part(result, other, name) / step for name in names}
                clamped = {name: min(1.0, max(0.0, part)) for name, part in parts.items()}
                return attrs.evolve(result, assumed=clamped)
        return result

    def _others(self, loops: int, warmup: int) -> Iterator[tuple[float, SliceResult]]:
        """Each step of the assumed costs, and the result with it."""
        for step in _STEPS:
            profile = self.cost_profile.with_assumed(1 + step)
            yield (
                step,
                Engine(self.guest, profile).load(self.task).run(loops=loops, warmup=warmup),
            )


def _same_course(one: Counts, other: Counts) -> bool:
    """Whether two slices have the same exits and wake-ups."""
    names = ("exits", "wakeups_polled", "wakeups_blocked")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _part(result: SliceResult, other: SliceResult, series: str) -> float:
    """Return the part of its time by which a series differs."""
    before, after = (r.distributions[series].median for r in (result, other))
    return (after - before) / before if before else 0.0
