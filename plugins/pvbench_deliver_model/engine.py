"""The engine: a booted guest of the model, and the tasks that it has loaded."""

from __future__ import annotations

import attrs

from pvbench.delivery import LoadedTask, Task
from pvbench.guest import Guest
from pvbench.slice_result import SliceResult
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.host_era import in_guest
from pvbench_deliver_model.slice import Slice


class Engine:
    """A booted guest of the model; every slice starts from the same initial state."""

    def __init__(self, guest: Guest, cost_profile: CostProfile) -> None:
        self._guest, self._cost_profile = guest, in_guest(cost_profile, guest)

    def load(self, task: Task) -> LoadedTask:
        """See `pvbench.delivery.BootedGuest`."""
        return _LoadedTask(self._guest, self._cost_profile, task)


@attrs.frozen
class _LoadedTask:
    """Each slice starts on fresh vCPUs, so that it does not depend on earlier ones."""

    guest: Guest
    cost_profile: CostProfile
    task: Task

    def run(self, *, loops: int, warmup: int) -> SliceResult:
        return Slice(self.guest, self.cost_profile, self.task).run(loops, warmup)
