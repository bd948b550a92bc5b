"""
Calls of membarrier(2), timed one by one, each with a proof that it sent IPIs.

The proof is read between the calls, outside the timed part: a call is a sample if each
target has received a function-call interrupt since the previous reading.
"""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import perf_counter_ns
from typing import Final

import attrs

from pvbench.delivery import BootedGuest, LoadedTask, Task
from pvbench.errors import UnavailableError
from pvbench.ops import KernelSend
from pvbench.slice_result import Counts, Distribution, SliceResult
from pvbench_deliver_live import kernel, membarrier
from pvbench_deliver_live.interrupts import Interrupts, rises
from pvbench_deliver_live.spinners import pinned, spinning
from pvbench_deliver_live.support import INTERRUPTS, numbers

ATTEMPTS: Final = 20  # calls for each sample at most,
SPARE_ATTEMPTS: Final = 1_000  # plus this number for each slice
_NULL_CALLS: Final = 1_000

Spinning = Callable[[tuple[int, ...]], AbstractContextManager[None]]


@contextmanager
def booted(root: Path, spin: Spinning = spinning) -> Iterator[BootedGuest]:
    """Prepare this machine to send; *spin* keeps a thread running on each target CPU."""
    membarrier.register()
    facts: dict[str, str | int | float] = {**kernel.facts(root), "null_ns": _null_ns()}
    with Interrupts.opened(root / INTERRUPTS) as interrupts:
        yield ThisKernel(interrupts, numbers(root), facts, spin)


def _null_ns() -> int:
    """Median time of a call that interrupts no CPU, which is the cost without IPIs."""
    end = threading.Event()  # in a process of one thread, the call would return at once
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        times = [timed(membarrier.private_expedited) for _ in range(_NULL_CALLS)]
    finally:
        end.set()
        thread.join()
    return int(Distribution.of(times).median)


def timed(call: Callable[[], int]) -> int:
    """Return the nanoseconds that one call takes."""
    start = perf_counter_ns()
    result = call()
    end = perf_counter_ns()
    membarrier.check(result)
    return end - start


@attrs.define
class Samples:
    """
    The calls of a slice.

    Args:
        times_ns: times of the calls that are samples.
        calls: number of all calls.
        rise: interrupts that the targets received during the samples from any sender.
        missed: calls that did not interrupt a target, by the host's CPU number.
    """

    times_ns: list[int] = attrs.field(factory=list)
    calls: int = 0
    rise: int = 0
    missed: Counter[int] = attrs.field(factory=Counter)

    def add(self, time_ns: int, interrupts: dict[int, int]) -> None:
        """Add one call, with the number of interrupts that each target received."""
        self.calls += 1
        if missed := [cpu for cpu, count in interrupts.items() if not count]:
            self.missed.update(missed)
        else:
            self.times_ns.append(time_ns)
            self.rise += sum(interrupts.values())


@attrs.frozen
class ThisKernel:
    """
    A `BootedGuest`.

    Args:
        numbers: the host's number of each guest CPU.
    """

    interrupts: Interrupts
    numbers: tuple[int, ...]
    facts: dict[str, str | int | float]
    spin: Spinning

    def load(self, task: Task) -> LoadedTask:
        """See `BootedGuest.load`."""
        return _LoadedTask(self, task)

    def run(self, task: Task, *, loops: int, warmup: int) -> SliceResult:
        """One slice of *task*."""
        targets = _targets(task)
        if not targets:
            samples = Samples([timed(int) for _ in range(loops)])  # int() is nothing, and 0
            return self._slice_result(task, targets, samples)
        cpus = tuple(self.numbers[cpu] for cpu in targets)
        with pinned(self.numbers[task.bursts[0].source]), self.spin(cpus), _no_collections():
            for _ in range(warmup):
                membarrier.check(membarrier.private_expedited())
            samples = self._samples(cpus, loops)
        return self._slice_result(task, targets, samples)

    def _samples(self, cpus: tuple[int, ...], loops: int) -> Samples:
        samples = Samples()
        before = self.interrupts.calls()
        for _ in range(ATTEMPTS * loops + SPARE_ATTEMPTS):
            time_ns = timed(membarrier.private_expedited)
            after = self.interrupts.calls()
            counts = rises(before, after)
            samples.add(time_ns, {cpu: counts.get(cpu, 0) for cpu in cpus})
            if len(samples.times_ns) == loops:
                return samples
            before = after
        raise _too_few(samples, loops)

    def _slice_result(
        self, task: Task, targets: tuple[int, ...], samples: Samples
    ) -> SliceResult:
        loops = len(samples.times_ns)
        series = ("ack", "wall") if targets else ("wall",)
        reached = tuple(loops * (cpu in targets) for cpu in range(len(self.numbers)))
        call_counts = {
            "calls": samples.calls,
            "calls_without_ipi": samples.calls - loops,
            "cal_rise": samples.rise,
        }
        return SliceResult(
            loops=loops,
            distributions=dict.fromkeys(series, Distribution.of(samples.times_ns)),
            counts=Counts(
                icr_writes=None,
                hypercalls=None,
                returned=None,
                handlers=reached,
                coalesced=(0,) * len(reached),  # each call was proved to arrive
                functions=reached,
            ),
            target_state=task.target_state,
            facts=self.facts | (call_counts if targets else {}),
        )


@attrs.frozen
class _LoadedTask:
    """A task of the running kernel, which needs no preparation."""

    kernel: ThisKernel
    task: Task

    def run(self, *, loops: int, warmup: int) -> SliceResult:
        return self.kernel.run(self.task, loops=loops, warmup=warmup)


def _targets(task: Task) -> tuple[int, ...]:
    """Guest CPUs that the program interrupts; the task has at most one."""
    ops = [op for program in task.programs for op in program]
    return tuple(cpu for op in ops if isinstance(op, KernelSend) for cpu in op.cpus)


def _too_few(samples: Samples, loops: int) -> UnavailableError:
    worst, missed = samples.missed.most_common(1)[0]
    return UnavailableError(
        f"the target thread on CPU {worst} did not run often enough",
        why=f"{missed} of {samples.calls} calls sent it no IPI, "
        f"so only {len(samples.times_ns)} of {loops} samples were taken",
        fix="Check what else runs on that CPU.",
    )


@contextmanager
def _no_collections() -> Iterator[None]:
    """Disable garbage collection in this context."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
