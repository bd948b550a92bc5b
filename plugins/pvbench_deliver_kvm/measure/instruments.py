"""How the slices of a guest are made and observed; tests give others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import attrs

from pvbench.delivery import Task
from pvbench.ops import Program
from pvbench_deliver_kvm.measure.icr_tracepoint import IcrTrace
from pvbench_deliver_kvm.measure.raw_result import RawResult
from pvbench_deliver_kvm.measure.readings import Readings
from pvbench_deliver_kvm.measure.slices import Slice
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm
from pvbench_deliver_kvm.vmm.scheduling import RealTime, scheduled


class PlacedSlice(Protocol):
    """A slice in the memory of a guest, see `Slice`."""

    def run(self) -> RawResult: ...
    def recorded(self, index: int) -> Program: ...


class PlaceSlice(Protocol):
    """Places a task in the memory of a guest, as `Slice` does."""

    def __call__(
        self, vm: GuestVm, task: Task, loops: int, *, algorithm: bool
    ) -> PlacedSlice: ...


class Trace(Protocol):
    """Counts the ICR writes of some threads, see `IcrTrace`."""

    def start(self) -> None: ...
    def count(self) -> int: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...


@attrs.frozen(kw_only=True)
class Instruments:
    """
    How slices are made and observed.

    Args:
        place: puts a slice into guest memory.
        trace: counts the ICR writes of threads.
        read: reads the counters of the vCPUs and their threads.
        sleep: waits for some seconds.
        scheduled: gives threads real-time policies for a while, see `scheduling`.
    """

    place: PlaceSlice = Slice
    trace: Callable[[list[int]], Trace] = IcrTrace
    read: Callable[[GuestVm], Readings] = Readings.take
    sleep: Callable[[float], object] = time.sleep
    scheduled: Callable[[Mapping[int, RealTime]], AbstractContextManager[str]] = scheduled
