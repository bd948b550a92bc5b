"""
A slice: sources repeat their bursts, and targets handle the interrupts.

Sources that share call queues pause between bursts, for up to `stagger` of an iteration.
Bursts start in order of (time, source), and interrupts are accepted in order of (arrival,
source, position in the program), so no two events are simultaneous.  A burst executes its
whole program at the instant at which it has queued its calls, and it knows whether each
queue was empty when it queued there; its interrupts are accepted once no other source can
send an earlier one.
"""

from __future__ import annotations

import numpy as np

from pvbench.delivery import Task
from pvbench.guest import Guest
from pvbench.ops import Program
from pvbench.slice_result import SliceResult
from pvbench_deliver_model.arrays import I64
from pvbench_deliver_model.call_queues import CallQueues
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.polling import PollingCpus
from pvbench_deliver_model.record import Record
from pvbench_deliver_model.several import Pauses, first_of, share_queues, taken
from pvbench_deliver_model.source import Source, source_of
from pvbench_deliver_model.targets import NEVER, Targets
from pvbench_deliver_model.timeline import Arrivals
from pvbench_deliver_model.turns import SourceTurns


class Slice:
    """One slice of a task on vCPUs in their initial state."""

    def __init__(self, guest: Guest, cost_profile: CostProfile, task: Task) -> None:
        self._guest, self._cost_profile, self._task = guest, cost_profile, task
        self._stagger = cost_profile.ratios["stagger"].ps
        self._loop_ps = cost_profile.ps("loop_overhead")
        self._local_ps = cost_profile.ps("local_call_entry"), cost_profile.ps("local_call")
        self._targets = Targets(guest, cost_profile, task.target_state)
        self._sources = [
            source_of(index, burst, guest, cost_profile, self._targets)
            for index, burst in enumerate(task.bursts)
        ]
        hosts = self._targets.hosts_of_busy if len(task.bursts) < 2 else None
        self._turns = SourceTurns(task.bursts[0].source if task.bursts else 0, hosts)
        self._polling = PollingCpus(guest, task, cost_profile.ps("poll_notice"), self._targets)
        self._contended = len(task.bursts) > 1 or not all(b.wait for b in task.bursts)
        if self._contended or any(s.burst.source in s.cpus for s in self._sources):
            self._targets.watch([s.burst.source for s in self._sources])
        handover_ps = cost_profile.ps("queue_handover") if len(task.bursts) > 1 else 0
        self._call_queues = CallQueues(self._targets, handover_ps)
        self._record = Record()
        self._pauses = Pauses()

    def run(self, loops: int, warmup: int) -> SliceResult:
        if warmup:
            self._targets.poll_longest()
        self._iterate(warmup)
        self._record = Record()
        self._call_queues.partial_sends()
        self._targets.reset_counts()
        self._turns.bursts = 0
        self._pauses = Pauses(self._longest_pause())
        start = max((s.since for s in self._sources), default=0)
        for source in self._sources:
            source.busy = 0
            self._next_starts(source, start)
        self._iterate(loops)
        return self._slice_result(loops)

    def _longest_pause(self) -> int:
        """The longest pause of sources that share call queues; 0 for others."""
        if not self._stagger or not share_queues(self._sources):
            return 0
        alone = Slice(self._guest, self._cost_profile, first_of(self._task))
        alone._iterate(1)
        return round(self._stagger * alone._sources[0].since)

    def _iterate(self, loops: int) -> None:
        if not self._sources:
            self._record.samples["wall"] += [self._turns.mean(self._loop_ps)] * loops
        if len(self._sources) == 1:  # no other source can send an earlier interrupt
            source = self._sources[0]
            for _ in range(loops):
                self._turns.begin(source.t0)
                self._start(source)
                for arrivals in source.unaccepted:
                    self._accept(source, arrivals)
                self._finish(source)
            return
        remaining = [loops] * len(self._sources)
        while any(remaining) or any(s.waiting for s in self._sources):
            self._step(remaining)

    def _step(self, remaining: list[int]) -> None:
        """Accept interrupts that no source can precede; then end or start one burst."""
        active = [s for s in self._sources if s.waiting or remaining[s.index]]
        horizon = min(self._earliest(s) for s in active)
        self._accept_until(horizon)
        for source in active:
            if source.is_served and self._end(source) <= horizon:
                self._finish(source)
                return
        runnable = [s for s in active if not s.waiting and s.now <= horizon]
        if runnable:
            source = min(runnable, key=lambda s: (s.now, s.index))
            busy_until = int(self._targets.free[source.burst.source])
            if busy_until > source.now:  # the source is itself in a handler
                source.resume(busy_until)
            elif source.burst.protocol == "csd" and not source.is_queued:
                self._queue(source)
            else:
                remaining[source.index] -= 1
                self._start(source)

    def _earliest(self, source: Source) -> int:
        """Return a time before which *source* sends no further interrupt."""
        if not source.waiting:
            return source.now
        if source.is_served:
            return self._end(source)
        awaited = [int(a.at[-1]) for a in source.unaccepted]
        if source.piggybacked:
            awaited += [min(int(a.at[0]) for s in self._sources for a in s.unaccepted)]
        return max([source.send_end, *awaited])

    def _queue(self, source: Source) -> None:
        """Queue the calls of a burst, which takes until `source.now`."""
        source.is_queued = True
        if source.burst.protocol == "csd":
            queued = self._call_queues.queued if self._contended else Source.queued
            source.now = queued(source)

    def _start(self, source: Source) -> None:
        """Send to the CPUs with empty call queues; note which interrupts are in flight."""
        burst, targets = source.burst, self._targets
        if not source.is_queued:
            self._queue(source)
        source.is_queued, now = False, source.now
        source.acks.fill(NEVER)
        source.entered = source.drained = NEVER
        if burst.protocol == "csd" and burst.targets == (burst.source,):
            self._call_locally(source)
        program, cpus = self._program(source)
        timeline = source.sending.run(program, now)
        self._record.count(timeline)
        woken_on = targets.hosts_of_woken
        delay = woken_on.preempt(burst.source, timeline.arrivals) if woken_on else 0
        source.unaccepted = timeline.arrivals
        if self._contended and burst.protocol == "csd":
            for arrivals in timeline.arrivals:
                self._call_queues.sent(arrivals.cpus)
        source.send_end = timeline.end + delay
        source.waiting = True
        if targets.masked_until is not None:
            targets.masked_until[burst.source] = source.send_end
        called = None if program else self._polling.call(source, cpus, timeline.end)
        if called and self._contended:
            self._call_queues.flush(*called)
        if timeline.end > now:
            self._record.samples["send"].append(self._turns.mean(source.send_end - source.t0))
        if timeline.irqs_off is not None:
            irqoff = timeline.irqs_on - timeline.irqs_off + delay
            self._record.samples["irqoff"].append(self._turns.mean(irqoff))

    def _call_locally(self, source: Source) -> None:
        """Run the function in place, as smp_call_function_single() to the caller does."""
        self._record.samples["deliver"].append(self._local_ps[0])
        source.drained = source.t0 + self._local_ps[1]

    def _program(self, source: Source) -> tuple[Program, tuple[int, ...] | I64]:
        """Return the ops for CPUs with an empty call queue, and these; others piggyback."""
        task, index = self._task, source.index
        if self._contended and source.burst.protocol == "csd":
            cpus = self._call_queues.queue(source)
            if cpus is not None:
                return task.program_for(index, cpus), cpus
        return task.programs[index], source.cpus

    def _accept_until(self, horizon: int) -> None:
        """Let targets accept all interrupts that arrive up to *horizon*."""
        due = [(s, a) for s in self._sources for a in s.unaccepted if a.at[0] <= horizon]
        for source, arrivals in taken(due, horizon):
            self._accept(source, arrivals)

    def _accept(self, source: Source, arrivals: Arrivals) -> None:
        targets, burst, cpus = self._targets, source.burst, arrivals.cpus
        entry, ack = targets.accept(
            arrivals.at,
            cpus,
            arrivals.vector,
            lock=burst.lock,
            distinct=arrivals.distinct,
        )
        source.entered = max(source.entered, int(np.maximum.reduce(entry)))
        if self._task.lossy:
            source.drained = max(source.drained, int(ack.max()))
        source.acks[source.slot_of_cpu.take(cpus)] = ack
        if burst.protocol == "bare":
            return
        targets.functions.add(cpus)
        if self._contended:
            self._call_queues.flush(cpus, entry)

    def _finish(self, source: Source) -> None:
        """Record the times of a burst that is over, and set when the next one may start."""
        end = self._end(source)
        source.waiting = False
        source.unaccepted = []
        source.busy += end - source.since
        if not self._task.lossy:
            ended = self._turns.ended(source, end)
            if source.entered != NEVER:
                self._record.samples["deliver"].append(self._turns.delivered(source))
            if source.burst.wait and len(source.cpus):
                self._record.samples["ack"].append(ended)
            wall = self._turns.mean(end - source.since)
            self._record.samples["wall"].append(max(wall, ended + source.t0 - source.since))
        self._next_starts(source, end)

    def _next_starts(self, source: Source, end: int) -> None:
        """
        Start the next iteration at *end* or after a pause.

        csd_lock() first waits for the call entries.
        """
        source.since = end + self._pauses.next()
        source.t0 = source.now = source.since + self._loop_ps
        if source.burst.protocol == "csd":
            source.now = max(source.now, source.entered)

    def _end(self, source: Source) -> int:
        """Return when a burst whose interrupts are all accepted is over."""
        end = max(source.send_end, source.drained, int(self._targets.free[source.burst.source]))
        if source.burst.wait and len(source.cpus) and not self._task.lossy:
            end = max(end, source.send_end + int(source.polls_left[0]))
            end = max(end, int(np.maximum.reduce(source.acks[:-1] + source.polls_left)))
        return end

    def _slice_result(self, loops: int) -> SliceResult:
        if len(self._sources) > 1:
            self._record.makespan = max(s.busy for s in self._sources)
        bare = all(b.protocol == "bare" for b in self._task.bursts)
        return self._record.slice_result(
            loops, self._targets, self._call_queues.partial_sends(), bare=bare
        )
