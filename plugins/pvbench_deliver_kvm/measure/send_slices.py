"""
Slices that measure `send` alone, while the threads of the targets wait.

A near-exact clock counts the instructions of all threads.  Where a target's thread may
preempt the sender's when it is woken, `send` contains the work of some targets.
"""

from __future__ import annotations

from typing import Final

import attrs

from pvbench.delivery import Task
from pvbench_deliver_kvm.measure.raw_result import RawResult
from pvbench_deliver_kvm.measure.tasks import sources_of, targets_of

LOOPS: Final = 6  # the first is not timed
_SERIES: Final = ("send", "irqoff")


def wakes_targets(task: Task) -> bool:
    """Whether the only source of *task* wakes other CPUs."""
    others = targets_of(task) - sources_of(task)
    return len(task.bursts) == 1 and task.target_state == "halted" and bool(others)


def with_send_of(raw: RawResult, alone: RawResult) -> RawResult:
    """*raw* with the `send` and `irqoff` of the slice *alone*, and with its faults."""
    pairs = zip(raw.handled.impossible, alone.handled.impossible, strict=True)
    return attrs.evolve(
        raw,
        samples=raw.samples | {name: alone.samples[name] for name in _SERIES},
        handled=attrs.evolve(raw.handled, impossible=tuple(map(sum, pairs))),
        troubles=(*raw.troubles, *alone.troubles),
    )
