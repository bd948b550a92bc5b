"""
The part of a modelled time that depends on assumed costs.

Times are sums and maxima of costs, so a time equals the sum of each cost times the
derivative of the time by that cost.  The part of the assumed costs follows from a second
run in which they are a little smaller.
"""

from __future__ import annotations

from typing import Final

import attrs

from pvbench.delivery import LoadedTask, Task
from pvbench.guest import Guest
from pvbench.slice_result import SliceResult
from pvbench.trials import Outcome, Programs
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.engine import Engine
from pvbench_deliver_model.execution import Execution

_STEP: Final = 0.01


class Modelled:
    """A booted guest of the model; see `pvbench.delivery.BootedGuest`."""

    def __init__(self, guest: Guest, cost_profile: CostProfile) -> None:
        self._engine = Engine(guest, cost_profile)
        self._execution = Execution(guest, cost_profile)
        self._shorter = Engine(guest, cost_profile.with_assumed(1 - _STEP))

    def load(self, task: Task) -> LoadedTask:
        """See `pvbench.delivery.BootedGuest`."""
        return _LoadedTask(self._engine.load(task), self._shorter.load(task))

    def execute(self, programs: Programs, target_state: str) -> Outcome:
        """See `pvbench.trials.ExecutingGuest`."""
        return self._execution.execute(programs, target_state)


@attrs.frozen
class _LoadedTask:
    """
    A task under two cost profiles.

    Args:
        exact: under the one that was asked for.
        shorter: under the one whose assumed numbers are smaller.
    """

    exact: LoadedTask
    shorter: LoadedTask

    def run(self, *, loops: int, warmup: int) -> SliceResult:
        """Return the slice result with the assumed part of each series."""
        result = self.exact.run(loops=loops, warmup=warmup)
        shorter = self.shorter.run(loops=loops, warmup=warmup)
        common_series = result.distributions.keys() & shorter.distributions.keys()
        parts = {name: _part(result, shorter, name) for name in sorted(common_series)}
        return attrs.evolve(result, assumed=parts)


def _part(result: SliceResult, shorter: SliceResult, series: str) -> float:
    """Return the part, 0 to 1; it is inexact if the step crosses a halt-polling window."""
    before, after = (r.distributions[series].median for r in (result, shorter))
    if not before:
        return 0.0
    return min(1.0, max(0.0, (before - after) / (before * _STEP)))
