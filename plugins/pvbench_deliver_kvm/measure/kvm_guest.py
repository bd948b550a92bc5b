"""A booted guest of KVM as the core sees it: load a task, then run slices of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final

import attrs

from pvbench.delivery import Task
from pvbench.errors import UnavailableError
from pvbench.slice_result import SliceResult
from pvbench.trials import Outcome, Programs
from pvbench_deliver_kvm.measure import execution, path_lengths
from pvbench_deliver_kvm.measure.algorithms import has_algorithm
from pvbench_deliver_kvm.measure.instruments import Instruments, PlacedSlice
from pvbench_deliver_kvm.measure.raw_result import RawResult
from pvbench_deliver_kvm.measure.readings import Readings
from pvbench_deliver_kvm.measure.result import Context, Facts, slice_result
from pvbench_deliver_kvm.measure.tasks import null_task, sources_of, stack_name
from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm
from pvbench_deliver_kvm.vmm.commands import GuestError

_NULL_LOOPS: Final = 50
_AUDIT_LOOPS: Final = 5
# A slice that an emulator spoilt begins so much later when it is repeated.
_SHIFT_S: Final = 137e-6
_MOST_REPEATS: Final = 3


class KvmBootedGuest:
    """
    See `pvbench.delivery.BootedGuest`; `close` it when the guest ends.

    Args:
        execution: ``algorithm`` where the guest has the sender's, or ``ops``.
        facts: stored with each result.
        near_exact: measure path lengths, see `measure.path_lengths`.
    """

    def __init__(
        self,
        vm: GuestVm,
        *,
        execution: str,
        facts: Facts | None = None,
        instruments: Instruments | None = None,
        near_exact: bool = False,
    ) -> None:
        self.vm, self._execution, self._host_facts = vm, execution, facts or {}
        self._instruments, self._near_exact = instruments or Instruments(), near_exact
        self._thread_ids = [thread.native_id or 0 for thread in vm.threads]
        self._trace = self._instruments.trace(self._thread_ids)
        # The guest gives up before the host does, because it can say what it waits for.
        vm.memory.mailbox.limit_ticks = int(vm.start.patience_s / 2 * vm.tsc_khz * 1000)
        self._null_ticks = {
            algorithm: self._null_ticks_of(algorithm=algorithm)
            for algorithm in {False, execution == "algorithm"}
        }

    def _null_ticks_of(self, *, algorithm: bool) -> dict[str, int]:
        """The time of an iteration that disables and enables interrupts and sends nothing."""
        task = null_task(tuple(self.vm.guest.cpus))
        samples = self._place(task, _NULL_LOOPS, algorithm=algorithm).run().samples
        return {f"null_{name}_ticks": int(median(samples[name])) for name in ("send", "irqoff")}

    def _place(self, task: Task, loops: int, *, algorithm: bool) -> PlacedSlice:
        return self._instruments.place(self.vm, task, loops, algorithm=algorithm)

    def load(self, task: Task) -> KvmLoadedTask:
        """
        Prove the guest's algorithm and audit the ICR writes of *task*.

        Raises:
            GuestError: the guest is lost, or its algorithm makes other ops.
        """
        algorithm = self._execution == "algorithm" and has_algorithm(task)
        with self._targets_as_in(task):
            if algorithm:
                self._prove_algorithm(task)
            traced = self._icr_writes_traced(task, algorithm=algorithm)
        return KvmLoadedTask(self, task, self._context(traced, algorithm=algorithm))

    def _prove_algorithm(self, task: Task) -> None:
        """Check that the guest's code makes the ops that the sender makes."""
        placed = self._place(task, 1, algorithm=True)
        for index, (burst, program) in enumerate(zip(task.bursts, task.programs, strict=True)):
            if placed.recorded(index) != program:
                raise GuestError(
                    f"the guest's code for {stack_name(task)} makes other ops than the sender",
                    why=f"{burst.operation} of CPU {burst.source}",
                )

    def _icr_writes_traced(self, task: Task, *, algorithm: bool) -> str | float:
        """ICR writes of an iteration as the host traced them, or why they are unknown."""
        try:
            self._trace.start()
        except UnavailableError as error:
            return str(error)
        before = self._trace.count()
        self._place(task, _AUDIT_LOOPS, algorithm=algorithm).run()
        return (self._trace.count() - before) / _AUDIT_LOOPS

    def _context(self, traced: str | float, *, algorithm: bool) -> Context:
        vm = self.vm
        return Context(
            guest=vm.guest,
            execution="algorithm" if algorithm else "ops",
            cpu_list=vm.start.cpus,
            usable_cpus=len(vm.start.cpus or os.sched_getaffinity(0)),
            tsc_khz=vm.tsc_khz,
            tscs_agree=vm.tscs_agree,
            icr_writes_traced=traced,
            null_ticks=self._null_ticks[algorithm],
            host_facts=self._host_facts,
        )

    def run(self, loaded: KvmLoadedTask, *, loops: int, warmup: int) -> SliceResult:
        """
        Execute *warmup* iterations, then *loops* timed and counted ones.

        A slice in which an interrupt came while interrupts were off is repeated.  It
        begins later then, because an emulator may repeat its error at an equal time.

        Raises:
            GuestError: the guest is lost.
        """
        task, context = loaded.task, loaded.context
        self._trace.stop()
        facts: Facts = {}
        with self._targets_as_in(task):
            if self._near_exact and path_lengths.wakes_targets(task):
                raw, change, facts = self._path_lengths(loaded, loops, warmup)
            else:
                raw, change = self._measured(loaded, loops, warmup)
        result = slice_result(task, loops, raw, change, context)
        if loaded.repeats:
            facts["repeated_slices"] = loaded.repeats
        return attrs.evolve(result, facts=result.facts | facts)

    def _path_lengths(
        self, loaded: KvmLoadedTask, loops: int, warmup: int
    ) -> tuple[RawResult, Readings, Facts]:
        """As `_measured`, with the `send` of a slice of its own; and how threads ran."""
        preempting = path_lengths.targets_preempt(loaded.task, self._thread_ids)
        with self._instruments.scheduled(preempting) as policy:
            raw, change = self._measured(loaded, loops, warmup)
        with self._instruments.scheduled(path_lengths.in_turn(self._thread_ids)) as of_send:
            alone, _ = self._unspoilt(loaded, path_lengths.SEND_LOOPS)
        facts: Facts = {"scheduling": policy, "send_scheduling": of_send}
        return path_lengths.with_send_of(raw, alone), change, facts

    def _measured(
        self, loaded: KvmLoadedTask, loops: int, warmup: int
    ) -> tuple[RawResult, Readings]:
        """As `_unspoilt`, after *warmup* iterations."""
        if warmup:
            algorithm = loaded.context.execution == "algorithm"
            self._place(loaded.task, warmup, algorithm=algorithm).run()
        return self._unspoilt(loaded, loops)

    def _unspoilt(self, loaded: KvmLoadedTask, loops: int) -> tuple[RawResult, Readings]:
        """As `_observed`, of the first slice that is not spoilt or of the last that may be."""
        raw, change = self._observed(loaded, loops)
        repeats = 0
        while any(raw.handled.impossible) and repeats < _MOST_REPEATS:
            repeats += 1
            self._instruments.sleep(_SHIFT_S)
            raw, change = self._observed(loaded, loops)
        loaded.repeats += repeats
        return raw, change

    def _observed(self, loaded: KvmLoadedTask, loops: int) -> tuple[RawResult, Readings]:
        """The raw result of a slice, and the change of the host's readings during it."""
        algorithm = loaded.context.execution == "algorithm"
        placed = self._place(loaded.task, loops, algorithm=algorithm)
        before = self._instruments.read(self.vm)
        raw = placed.run()
        return raw, self._instruments.read(self.vm).since(before)

    def close(self) -> None:
        """Remove what this guest has made on the host."""
        self._trace.close()

    def execute(self, programs: Programs, target_state: str) -> Outcome:
        """See `pvbench.trials.ExecutingGuest`."""
        task = execution.task_of(programs, target_state)
        with self._targets_as_in(task):
            return execution.execute(self.vm, programs, target_state)

    @contextmanager
    def _targets_as_in(self, task: Task) -> Iterator[None]:
        """Let idle CPUs halt or run as *task* asks; afterwards they halt again."""
        box = self.vm.memory.mailbox
        try:
            if task.target_state == "running":
                box.idle = mailbox.RUNNING
                idle = {*self.vm.guest.cpus} - sources_of(task)
                self.vm.commands.synchronise(tuple(sorted(idle)))
            yield
        finally:
            box.idle = mailbox.HALTED


@attrs.define
class KvmLoadedTask:
    """
    See `pvbench.delivery.LoadedTask`.

    Args:
        repeats: how often a slice of it was repeated because an emulator had spoilt it.
    """

    booted: KvmBootedGuest
    task: Task
    context: Context
    repeats: int = 0

    def run(self, *, loops: int, warmup: int) -> SliceResult:
        """See `KvmBootedGuest.run`."""
        return self.booted.run(self, loops=loops, warmup=warmup)
