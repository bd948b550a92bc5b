"""Booted guests for tests that only define the result of a slice."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from pvbench.delivery import BootedGuest, LoadedTask, Task
from pvbench.slice_result import SliceResult


@attrs.frozen
class Loaded:
    """A loaded task whose slices are those of a function."""

    slice_of: Callable[..., SliceResult]
    task: Task

    def run(self, *, loops: int, warmup: int) -> SliceResult:
        return self.slice_of(self.task, loops=loops, warmup=warmup)


@attrs.frozen
class Tampering:
    """A guest that runs another one's tasks and changes what it reports."""

    booted: BootedGuest
    tamper: Callable[[SliceResult], SliceResult]

    def load(self, task: Task) -> LoadedTask:
        loaded = self.booted.load(task)
        return Loaded(lambda _, **arguments: self.tamper(loaded.run(**arguments)), task)
