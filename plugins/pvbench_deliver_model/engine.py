"""
The engine: sources repeat their bursts, targets handle what reaches them.

Order is data: bursts start in order of (time, source), interrupts are accepted
in order of (arrival, source, place in the program).  A burst looks at the call
lists and executes its whole program at the instant it starts; its interrupts
are accepted once no other source can still send an earlier one.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
from pvbench_deliver_model.profile import Profile
from pvbench_deliver_model.sending import Arrivals, Sending, Timeline
from pvbench_deliver_model.targets import NEVER, Targets

from pvbench.delivery import Task
from pvbench.ops import Burst, Program
from pvbench.sender import reached
from pvbench.topology import Guest
from pvbench.trace import Counts, Distribution, PartialSend, Trace

I64 = npt.NDArray[np.int64]

FOREVER: Final = 1 << 62


class Engine:
    """A booted guest of the model; every task starts from the same fresh state."""

    def __init__(self, guest: Guest, profile: Profile) -> None:
        self._guest, self._profile = guest, profile

    def run(self, task: Task, *, loops: int, warmup: int) -> Trace:
        """See `pvbench.delivery.Machine`."""
        return _Slice(self._guest, self._profile, task).run(loops, warmup)


@attrs.define(eq=False)
class _Source:
    """One source CPU in the middle of its loop."""

    index: int
    burst: Burst
    cpus: I64  # CPUs that must run the handler by interrupt
    slot_of_cpu: I64
    polls_left: I64  # cost of the polls from each target on
    sending: Sending
    now: int = 0  # start of the next iteration
    t0: int = 0
    waiting: bool = False
    unaccepted: list[Arrivals] = attrs.field(factory=list)  # absolute times
    acks: I64 = attrs.field(init=False)
    entered: int = NEVER  # the latest handler entry of this burst
    riders: int = 0  # entries that ride on a send of another source
    drained: int = 0
    send_end: int = 0

    def earliest(self) -> int:
        """A time before which this source sends nothing more."""
        if not self.waiting:
            return self.now
        last = max((int(a.at[-1]) for a in self.unaccepted), default=NEVER)
        return max(last, self.send_end)


class _Slice:
    """One task on fresh vCPUs."""

    def __init__(self, guest: Guest, profile: Profile, task: Task) -> None:
        self._task, self._ps = task, profile.ps
        self._targets = Targets(guest, profile, task.target_state)
        self._sources = [
            self._source(index, burst, guest, profile)
            for index, burst in enumerate(task.bursts)
        ]
        self._host_share = self._targets.shared_run_ps
        self._contended = len(task.bursts) > 1 or not all(b.wait for b in task.bursts)
        if self._contended or any(s.burst.source in s.cpus for s in self._sources):
            self._watch_sources(guest)
        # when the call list of each CPU will be flushed; FOREVER: a send is under way
        self._flushed = np.full(len(guest.apic_ids), NEVER, np.int64)
        self._rides: dict[int, list[tuple[_Source, int]]] = {}
        self._samples: dict[str, list[int]] = {}
        self._partial: Counter[tuple[int, tuple[int, ...]]] = Counter()
        self._sent: Counter[str] = Counter()

    def _source(
        self, index: int, burst: Burst, guest: Guest, profile: Profile
    ) -> _Source:
        cpus = np.array(reached(burst, guest), np.int64)
        slots = np.full(len(guest.apic_ids), -1, np.int64)
        slots[cpus] = np.arange(len(cpus))
        return _Source(
            index=index,
            burst=burst,
            cpus=cpus,
            slot_of_cpu=slots,
            polls_left=np.arange(len(cpus), 0, -1) * self._ps("ack_poll"),
            sending=Sending(guest, burst.source, profile),
        )

    def _watch_sources(self, guest: Guest) -> None:
        """Senders that are targets too: they never halt, and are deaf while they send."""
        count = len(guest.apic_ids)
        self._targets.awake = np.zeros(count, np.bool_)
        self._targets.awake[[s.burst.source for s in self._sources]] = True
        self._targets.masked_until = np.zeros(count, np.int64)

    def run(self, loops: int, warmup: int) -> Trace:
        self._iterate(warmup)
        self._samples.clear()
        self._partial.clear()
        self._sent.clear()
        self._targets.reset_counts()
        start = max((s.now for s in self._sources), default=0)
        for source in self._sources:
            source.now = start
        self._iterate(loops)
        return self._trace(loops, start)

    def _iterate(self, loops: int) -> None:
        if not self._sources:
            self._sample("wall", self._ps("loop_overhead"), times=loops)
        left = [loops] * len(self._sources)
        while True:
            ready = [s for s in self._sources if not s.waiting and left[s.index]]
            waiting = [s for s in self._sources if s.waiting]
            if not ready and not waiting:
                return self._accept_until(FOREVER)
            horizon = min(s.earliest() for s in (*ready, *waiting))
            if not ready and len(waiting) == 1:
                horizon = FOREVER
            self._accept_until(horizon)
            for source in waiting:
                if not source.unaccepted and not source.riders:
                    self._finish(source)
                    break
            else:
                source = min(ready, key=lambda s: (s.now, s.index))
                left[source.index] -= 1
                self._start(source)

    def _start(self, source: _Source) -> None:
        """Queue, send, and note which interrupts are under way."""
        burst, targets = source.burst, self._targets
        source.now = max(source.now, int(targets.free[burst.source]))
        source.t0 = now = source.now + self._ps("loop_overhead")
        source.acks = np.full(len(source.cpus), NEVER, np.int64)
        source.entered = source.drained = NEVER
        if burst.protocol == "csd":
            now += self._ps("csd_queue") * len(source.cpus)
            if burst.source in burst.targets:
                self._call_locally(source)
        timeline = source.sending.run(self._program(source))
        self._sent["icr_writes"] += timeline.icr_writes
        self._sent["hypercalls"] += timeline.hypercalls
        self._sent["returned"] += timeline.returned
        self._sent["exits"] += timeline.exits
        delay = self._preempted(timeline, burst.source)
        source.unaccepted = [Arrivals(a.vector, a.at + now, a.cpus) for a in timeline.arrivals]
        source.send_end = now + timeline.send_ps + delay
        source.waiting = True
        if targets.masked_until is not None:
            targets.masked_until[burst.source] = source.send_end
        if timeline.send_ps:
            self._sample("send", source.send_end - source.t0)
        if timeline.irqoff_ps is not None:
            self._sample("irqoff", timeline.irqoff_ps + delay)

    def _call_locally(self, source: _Source) -> None:
        """smp_call_function_single() to the caller runs the function in place."""
        self._sample("deliver", self._ps("local_call_entry"))
        source.drained = source.t0 + self._ps("local_call")

    def _program(self, source: _Source) -> Program:
        """The ops for the CPUs whose call list is empty, and rides for the others."""
        task, index = self._task, source.index
        if not self._contended or source.burst.protocol == "bare":
            return task.programs[index]
        flushed = self._flushed.take(source.cpus)
        empty = flushed <= source.t0
        self._flushed[source.cpus[empty]] = FOREVER
        if empty.all():
            return task.programs[index]
        for slot in (~empty).nonzero()[0]:
            self._ride(source, int(slot), under_way=flushed[slot] == FOREVER)
        cpus = tuple(source.cpus[empty].tolist())
        self._partial[index, cpus] += 1
        return task.program_for(index, cpus)

    def _ride(self, source: _Source, slot: int, *, under_way: bool) -> None:
        """Join a call list that another source has filled."""
        cpu = int(source.cpus[slot])
        if under_way:
            self._rides.setdefault(cpu, []).append((source, slot))
            source.riders += 1
        else:
            self._work_off(source, slot, cpu)

    def _work_off(self, source: _Source, slot: int, cpu: int) -> None:
        """One more entry for the handler of *cpu* that is about to run."""
        targets = self._targets
        extra = targets.work + (targets.handover if source.burst.lock else 0)
        targets.acked[cpu] += extra
        targets.free[cpu] += extra
        targets.functions[cpu] += 1
        source.acks[slot] = targets.acked[cpu]
        source.entered = max(source.entered, int(self._flushed[cpu]))

    def _preempted(self, timeline: Timeline, source: int) -> int:
        """Delay of the source by woken targets on its own host CPU; shifts arrivals."""
        if not self._host_share:
            return 0
        total = 0
        for arrivals in timeline.arrivals:
            mates = self._targets.shares_host(arrivals.cpus, source)
            before = np.cumsum(mates) - mates
            arrivals.at[:] += total + before * self._host_share
            total += int(mates.sum()) * self._host_share
        return total

    def _accept_until(self, horizon: int) -> None:
        """Let targets accept every interrupt that arrives up to *horizon*."""
        due = [
            (s, a) for s in self._sources for a in s.unaccepted if a.at[0] <= horizon
        ]
        if len(due) == 1 and due[0][1].at[-1] <= horizon:
            source, arrivals = due[0]
            source.unaccepted.remove(arrivals)
            self._accept(source, arrivals.at, arrivals.cpus, arrivals.vector)
        elif due:
            self._accept_in_order(due, horizon)

    def _accept_in_order(self, due: list[tuple[_Source, Arrivals]], horizon: int) -> None:
        pieces = []
        for source, arrivals in due:
            source.unaccepted.remove(arrivals)
            split = int(arrivals.at.searchsorted(horizon, "right"))
            rest = Arrivals(arrivals.vector, arrivals.at[split:], arrivals.cpus[split:])
            if len(rest.at):
                source.unaccepted.append(rest)
            pieces += [
                (int(at), source.index, place, source, int(cpu), arrivals.vector)
                for place, (at, cpu) in enumerate(
                    zip(arrivals.at[:split], arrivals.cpus[:split], strict=True)
                )
            ]
        for at, _, _, source, cpu, vector in sorted(pieces, key=lambda p: p[:3]):
            self._accept(source, np.array([at]), np.array([cpu]), vector)

    def _accept(self, source: _Source, at: I64, cpus: I64, vector: int) -> None:
        targets, burst = self._targets, source.burst
        entry, ack = targets.accept(at, cpus, vector, lock=burst.lock)
        source.entered = max(source.entered, int(entry.max()))
        source.drained = max(source.drained, int(ack.max()))
        slots = source.slot_of_cpu.take(cpus)
        if slots.min() < 0:  # strangers: their handlers run, nobody waits for them
            cpus, ack, entry, slots = (x[slots >= 0] for x in (cpus, ack, entry, slots))
        source.acks[slots] = ack
        if burst.protocol == "bare":
            return
        targets.functions[cpus] += 1
        if self._contended:
            self._flushed[cpus] = entry
            self._let_ride(cpus)

    def _let_ride(self, cpus: I64) -> None:
        if self._rides:
            for cpu in cpus.tolist():
                for source, slot in self._rides.pop(cpu, ()):
                    source.riders -= 1
                    self._work_off(source, slot, cpu)

    def _finish(self, source: _Source) -> None:
        """The burst is over: sample it, and say when the next one may start."""
        burst, end = source.burst, source.send_end
        source.waiting = False
        if len(source.cpus) and not self._task.lossy:
            if source.entered != NEVER:
                self._sample("deliver", source.entered - source.t0)
            if burst.wait:
                polled = end + int(source.polls_left[0])
                end = max(polled, int((source.acks + source.polls_left).max()))
                end = max(end, int(self._targets.free[burst.source]))
                self._sample("ack", end - source.t0)
        end = max(end, source.drained) if self._task.lossy or not len(source.cpus) else end
        self._sample("wall", end - source.now)
        source.now = end

    def _sample(self, series: str, ps: int, times: int = 1) -> None:
        self._samples.setdefault(series, []).extend([ps] * times)

    def _trace(self, loops: int, start: int) -> Trace:
        if len(self._sources) > 1:
            ends = max(s.now for s in self._sources)
            self._samples["makespan"] = [ends - start]
        targets = self._targets
        bare = all(b.protocol == "bare" for b in self._task.bursts)
        counts = Counts(
            icr_writes=self._sent["icr_writes"],
            hypercalls=self._sent["hypercalls"],
            returned=self._sent["returned"],
            handlers=targets.handlers.tolist(),
            coalesced=targets.coalesced.tolist(),
            functions=(targets.handlers if bare else targets.functions).tolist(),
            exits=self._sent["exits"],
            wakeups_polled=targets.wakeups_polled,
            wakeups_blocked=targets.wakeups_blocked,
        )
        return Trace(
            loops=loops,
            bursts=loops * max(len(self._sources), 1),
            ticks={name: sum(values) for name, values in self._samples.items()},
            distributions={n: _distribution(v) for n, v in self._samples.items()},
            counts=counts,
            partial=[
                PartialSend(burst=index, cpus=cpus, times=times)
                for (index, cpus), times in sorted(self._partial.items())
            ],
            target_state=targets.state,
        )


def _distribution(values: list[int]) -> Distribution:
    ordered = sorted(values)
    last = len(ordered) - 1
    return Distribution(
        p50=ordered[last // 2], p99=ordered[last * 99 // 100], maximum=ordered[-1]
    )
