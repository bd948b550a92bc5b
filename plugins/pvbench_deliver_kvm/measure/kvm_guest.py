"""A booted guest as the core knows it: tasks in, slice results out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

import attrs

from pvbench.delivery import LoadedTask, Task
from pvbench.errors import UnavailableError
from pvbench.ops import Burst, IrqRestore, IrqSave
from pvbench.slice_result import Counts, Distribution, SliceResult
from pvbench_deliver_kvm.measure.icr_tracepoint import audit
from pvbench_deliver_kvm.measure.readings import Readings
from pvbench_deliver_kvm.measure.slices import Result, Slice
from pvbench_deliver_kvm.support import has_algorithm, stand_in
from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.binary_stats import OBSERVED
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm
from pvbench_deliver_kvm.vmm.commands import GuestError

HALTED_SHARE = 0.9  # of handler runs, for targets to count as halted
DELAY_SHARE = 0.02  # of a slice that a thread waited for its CPU
_NULL_LOOPS = 50
_AUDIT_LOOPS = 5
_BY_KVM = "KVM's counter"


class KvmBootedGuest:
    """See `pvbench.delivery.BootedGuest`."""

    def __init__(
        self, guest: GuestVm, *, execution: str, facts: dict[str, str] | None = None
    ) -> None:
        self._guest, self._execution, self._host = guest, execution, facts or {}
        # The guest gives up first, for it knows what it waits for.
        guest.memory.mailbox.limit_ticks = int(
            guest.start.patience_s / 2 * guest.tsc_khz * 1000
        )
        self._null = {
            call: self._null_costs(call=call) for call in {False, execution == "algorithm"}
        }

    def load(self, task: Task) -> LoadedTask:
        """
        Prove the guest's algorithm and audit the ICR writes of *task*.

        Raises:
            GuestError: the guest is lost, or its algorithm makes other ops.
        """
        call = self._execution == "algorithm" and has_algorithm(task)
        with self._targets_as_in(task):
            if call:
                self._prove_algorithm(task)
            traced = self._audit(task, call=call)
        return KvmLoadedTask(self, task, traced, call)

    def run(self, loaded: KvmLoadedTask, *, loops: int, warmup: int) -> SliceResult:
        """
        Execute *warmup* iterations, then *loops* timed and counted ones.

        Raises:
            GuestError: the guest is lost.
        """
        with self._targets_as_in(loaded.task):
            if warmup:
                Slice(self._guest, loaded.task, warmup, call=loaded.call).run()
            return self._timed(loaded, loops)

    @contextmanager
    def _targets_as_in(self, task: Task) -> Iterator[None]:
        self._targets_be(task)
        try:
            yield
        finally:
            self._guest.memory.mailbox.idle = mailbox.HALTED

    def _targets_be(self, task: Task) -> None:
        if task.target_state == "running":
            self._guest.memory.mailbox.idle = mailbox.RUNNING
            sources = {burst.source for burst in task.bursts}
            cpus = self._guest.guest.cpus
            self._guest.commands.synchronise(tuple(cpu for cpu in cpus if cpu not in sources))

    def _audit(self, task: Task, *, call: bool) -> str | float:
        """ICR writes of an iteration as the host traced them, or why that cannot be had."""
        threads = [thread.native_id or 0 for thread in self._guest.threads]
        with ExitStack() as undo:
            try:
                trace = undo.enter_context(audit(threads))
            except UnavailableError as error:
                return str(error)
            Slice(self._guest, task, _AUDIT_LOOPS, call=call).run()
            return trace.count() / _AUDIT_LOOPS

    def _prove_algorithm(self, task: Task) -> None:
        """The guest's code makes the very ops that the sender makes."""
        placed = Slice(self._guest, task, 1, call=True)
        for index, (burst, program) in enumerate(zip(task.bursts, task.programs, strict=True)):
            if placed.recorded(index) != program:
                raise GuestError(
                    f"the guest's code for {_stack(task)} makes other ops than the sender",
                    why=f"{burst.operation} of CPU {burst.source}",
                )

    def _timed(self, loaded: KvmLoadedTask, loops: int) -> SliceResult:
        placed = Slice(self._guest, loaded.task, loops, call=loaded.call)
        before = Readings.take(self._guest)
        result = placed.run()
        change = Readings.take(self._guest).since(before)
        return self._slice_result(loaded, loops, result, change)

    def _slice_result(
        self, loaded: KvmLoadedTask, loops: int, result: Result, change: Readings
    ) -> SliceResult:
        task = loaded.task
        samples = {name: values for name, values in result.samples.items() if values}
        if len(task.bursts) > 1:
            samples["makespan"] = [result.span_ticks]
        for name in _absent(task, agree=self._guest.tscs_agree):
            samples.pop(name, None)
        strangers = [cpu for cpu, runs in enumerate(result.handled.strange) if runs]
        strange = tuple(f"CPU {cpu} handled a vector that nobody sent" for cpu in strangers)
        return SliceResult(
            loops=loops,
            ticks={name: sum(values) for name, values in samples.items()},
            samples={
                name: loops if name == "makespan" else len(values)
                for name, values in samples.items()
            },
            distributions={name: _distribution(values) for name, values in samples.items()},
            counts=self._counts(task, result, change),
            partial=result.partial,
            target_state=self._state(task, result, change),
            ticks_per_second=self._guest.tsc_khz * 1000,
            faults=(*result.troubles, *strange),
            facts=self._facts(loaded, loops, change),
        )

    def _counts(self, task: Task, result: Result, change: Readings) -> Counts:
        handled = result.handled
        bare = all(burst.protocol == "bare" for burst in task.bursts)
        hypercalls: int | None = result.hypercalls
        if self._hypercall_proof(change) == _BY_KVM:
            hypercalls = change.total("hypercalls", self._guest.guest.cpus)
        serial = len(task.bursts) <= 1 and all(b.wait or task.lossy for b in task.bursts)
        sources = {burst.source for burst in task.bursts}
        targets = {cpu for cpus in task.reached for cpu in cpus}
        return Counts(
            icr_writes=result.icr_writes,
            hypercalls=hypercalls,
            returned=result.returned,
            handlers=handled.runs,
            coalesced=[0] * len(handled.runs) if serial else None,
            functions=handled.runs if bare else handled.functions,
            exits=change.total("exits", sources) if sources else None,
            wakeups_polled=change.total("halt_successful_poll", targets),
            wakeups_blocked=change.total("halt_wakeup", targets),
        )

    def _state(self, task: Task, result: Result, change: Readings) -> str:
        """What the targets were, by KVM's counters and the scheduler's."""
        sources = {burst.source for burst in task.bursts}
        targets = {cpu for cpus in task.reached for cpu in cpus} - sources
        if task.target_state == "running":
            shares = [change.delays[cpu] for cpu in targets]
            if None in shares:  # who spins did not sleep, so the kernel does not tell
                return "unknown"
            late = max(filter(None, shares), default=0) > DELAY_SHARE
            return "preempted" if late else "running"
        polled = change.total("halt_successful_poll", targets)
        blocked = change.total("halt_wakeup", targets)
        runs = sum(result.handled.runs[cpu] for cpu in targets)
        if polled is None or blocked is None:
            return "unknown" if targets else "halted"
        return "halted" if polled + blocked >= HALTED_SHARE * runs else "preempted"

    def _observed(self, task: Task, loops: int, change: Readings) -> dict[str, float]:
        """Counters that no count is made of: of sources and targets, an iteration."""
        cpus = {burst.source for burst in task.bursts}.union(*task.reached)
        totals = {name: change.total(name, cpus) for name in OBSERVED}
        return {
            f"kvm_{name}": round(total / loops, 6)
            for name, total in totals.items()
            if total is not None
        }

    def _facts(
        self, loaded: KvmLoadedTask, loops: int, change: Readings
    ) -> dict[str, str | int | float]:
        guest, task = self._guest, loaded.task
        usable = len(guest.start.cpus or os.sched_getaffinity(0))
        delays = [change.delays[burst.source] for burst in task.bursts]
        known = [delay for delay in delays if delay is not None]
        found: dict[str, str | int | float] = {
            **self._host,
            "execution": "algorithm" if loaded.call else "ops",
            "tsc_khz": guest.tsc_khz,
            "tsc_offsets": "equal" if guest.tscs_agree else "unknown or different",
            "kvm_counters": ",".join(sorted(change.counters[0])) if change.counters else "none",
            **self._observed(task, loops, change),
            "hypercall_proof": self._hypercall_proof(change),
            "cpu_list": ",".join(map(str, guest.start.cpus)) or "any",
            "overcommitted": "yes" if len(guest.guest.apic_ids) > usable else "no",
            "source_delay_share": "unknown"
            if len(known) < len(delays)
            else round(max(known, default=0.0), 4),
            "icr_writes_traced": loaded.traced,
            **self._null[loaded.call],
        }
        if told := stand_in(guest.guest.hypercall_abi):
            found["stand_in"] = told
        return found

    def _hypercall_proof(self, change: Readings) -> str:
        """Who counted the hypercalls."""
        counted = change.counters and "hypercalls" in change.counters[0]
        hyperv = self._guest.memory.mailbox.hypercall_abi == mailbox.HYPERCALL_HYPERV
        return _BY_KVM if counted and not hyperv else "the guest's own count"

    def _null_costs(self, *, call: bool) -> dict[str, int]:
        """Ticks of the op loop or the call itself: interrupts off and on, nothing else."""
        everybody = tuple(self._guest.guest.cpus)
        task = Task(
            bursts=(Burst(source=0, operation="send_IPI_mask", targets=everybody, wait=False),),
            programs=((IrqSave(), IrqRestore()),),
            reached=((),),
            program_for=lambda burst, cpus: (),
        )
        samples = Slice(self._guest, task, _NULL_LOOPS, call=call).run().samples
        return {f"null_{name}_ticks": int(median(samples[name])) for name in ("send", "irqoff")}


@attrs.frozen
class KvmLoadedTask:
    """
    See `pvbench.delivery.LoadedTask`.

    Args:
        traced: ICR writes of an iteration as the host traced them, or why there are none.
        call: the guest computes the ops itself.
    """

    booted: KvmBootedGuest
    task: Task
    traced: str | float
    call: bool

    def run(self, *, loops: int, warmup: int) -> SliceResult:
        """See `KvmBootedGuest.run`."""
        return self.booted.run(self, loops=loops, warmup=warmup)


def _stack(task: Task) -> str:
    algorithm = task.algorithm
    return "/".join(filter(None, (algorithm.overlay, algorithm.driver))) if algorithm else ""


def _absent(task: Task, *, agree: bool) -> Iterable[str]:
    """Series that do not exist here though the guest has stamps for them."""
    if task.lossy:
        return ("deliver", "ack", "wall")
    if agree:
        return ()
    local = all(burst.targets == (burst.source,) for burst in task.bursts)
    return ("makespan",) if local else ("deliver", "makespan")


def _distribution(values: list[int]) -> Distribution:
    ordered = sorted(values)
    last = len(ordered) - 1
    return Distribution(
        p50=ordered[last // 2], p99=ordered[last * 99 // 100], maximum=ordered[-1]
    )
