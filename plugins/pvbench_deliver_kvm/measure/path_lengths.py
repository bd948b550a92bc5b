"""
Slices on a near-exact clock, which counts the instructions of all threads.

The path of a fair wake-up is longer or shorter by the place of the thread in the queue of
the scheduler, which depends on all wake-ups before it.  That of a real-time wake-up has
one length.  So the threads of the vCPUs are real-time threads, in two kinds of slices:

- Each target preempts the sender when it is woken.
- No target preempts the sender, so its path is `send` alone.  When the time slice of its
  thread ends, the threads of the targets run, all of one priority in turn.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

import attrs

from pvbench.delivery import Task
from pvbench_deliver_kvm.measure.raw_result import RawResult
from pvbench_deliver_kvm.measure.tasks import sources_of, targets_of
from pvbench_deliver_kvm.vmm.scheduling import RealTime

SEND_LOOPS: Final = 6  # the first is not timed
_SERIES: Final = ("send", "irqoff")
_SENDER: Final = RealTime(os.SCHED_FIFO, 1)
_TARGET: Final = RealTime(os.SCHED_FIFO, 2)
_IN_TURN: Final = RealTime(os.SCHED_RR, 1)


def wakes_targets(task: Task) -> bool:
    """Whether the only source of *task* wakes other CPUs."""
    others = targets_of(task) - sources_of(task)
    return len(task.bursts) == 1 and task.target_state == "halted" and bool(others)


def targets_preempt(task: Task, threads: Sequence[int]) -> dict[int, RealTime]:
    """The policies with which each target preempts the sender."""
    sources = sources_of(task)
    return {
        thread: _SENDER if cpu in sources else _TARGET for cpu, thread in enumerate(threads)
    }


def in_turn(threads: Sequence[int]) -> dict[int, RealTime]:
    """The policies with which no thread preempts another before its time slice ends."""
    return dict.fromkeys(threads, _IN_TURN)


def with_send_of(raw: RawResult, alone: RawResult) -> RawResult:
    """*raw* with the `send` and `irqoff` of the slice *alone*, and with its faults."""
    pairs = zip(raw.handled.impossible, alone.handled.impossible, strict=True)
    return attrs.evolve(
        raw,
        samples=raw.samples | {name: alone.samples[name] for name in _SERIES},
        handled=attrs.evolve(raw.handled, impossible=tuple(map(sum, pairs))),
        troubles=(*raw.troubles, *alone.troubles),
    )
