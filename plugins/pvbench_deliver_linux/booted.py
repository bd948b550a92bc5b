"""
The boots of one pair: Linux guests with PV IPIs and without them, one after another.

At first each guest boots traced, runs every program untimed and gives its counts.  Then
each boots untraced, and its programs are timed.  Every program is followed by the canary,
outside its timed phase: membarriers to three running CPUs, with only the hypercalls of that
moment traced.  They show whether KVM_HC_SEND_IPI reaches KVM at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import attrs

from pvbench.delivery import BootedGuest, LoadedTask, Task
from pvbench.errors import UnavailableError, UsageError
from pvbench.guest import Guest
from pvbench.slice_result import SliceResult
from pvbench.x86.kvm_para import KVM_HC_SEND_IPI
from pvbench_deliver_linux import tracing
from pvbench_deliver_linux.control import answer_of
from pvbench_deliver_linux.files import boot_file, initramfs
from pvbench_deliver_linux.guest_process import RunningGuest, running
from pvbench_deliver_linux.machine import Machine
from pvbench_deliver_linux.result import State, Timed, Traced, facts_of, faults_of, slice_result
from pvbench_deliver_linux.settings import Settings
from pvbench_deliver_linux.vcpus import Reading

CANARY: Final = 100  # membarriers


@attrs.define
class LinuxGuests:
    """
    A `BootedGuest`: the guests of a pair, of which at most one runs.

    Args:
        guest: what they have in common.
        settings: what they boot with.
        tasks: those that were loaded.
        traced: the counts of each of them, once they are known.
        undo: ends the guest that runs.
    """

    guest: Guest
    settings: Settings
    undo: ExitStack
    tasks: list[Task] = attrs.field(factory=list)
    traced: dict[tuple[State, tuple[str, ...]], Traced] = attrs.field(factory=dict)
    current: tuple[State, RunningGuest] | None = None

    def load(self, task: Task) -> LoadedTask:
        """See `BootedGuest.load`."""
        self.tasks.append(task)
        return _LoadedTask(self, task)

    def run(self, task: Task) -> SliceResult:
        """Run the program of *task* once."""
        if not self.traced:
            self._trace_all()
        state = State.of(task)
        guest = self._running(state)
        readings: list[Reading] = []
        request = request_of(task)
        lines = guest.control.phase(request, lambda: readings.append(guest.vcpus.read()))
        timed = Timed(answer_of(lines), readings[1].since(readings[0]))
        counts = self.traced[state, task.program]
        canary = _canary(guest)
        faults = faults_of(state, guest.facts, canary, counts)
        return slice_result(
            timed,
            counts,
            faults=faults,
            facts=facts_of(guest.facts, canary, counts)
            | {"operations": timed.answer.operations},
            hides_icr_writes=self.settings.hides_icr_writes,
        )

    def _trace_all(self) -> None:
        """Count what each program does, in guests that are not timed."""
        for state in dict.fromkeys(map(State.of, self.tasks)):
            guest = self._running(state)
            for task in self.tasks:
                if State.of(task) == state:
                    self.traced[state, task.program] = _trace(guest, task)
        self._end()

    def _running(self, state: State) -> RunningGuest:
        """The guest that runs in *state*, which is booted if another one runs."""
        if self.current and self.current[0] == state:
            return self.current[1]
        self._end()
        cpus = self.settings.cpus[: self.guest.host_cpus or len(self.guest.apic_ids)]
        guest = self.undo.enter_context(running(self._machine(state), cpus))
        self.current = state, guest
        return guest

    def _end(self) -> None:
        self.undo.close()
        self.current = None

    def _machine(self, state: State) -> Machine:
        if self.settings.files is None:
            raise UnavailableError("the files of the guest were not prepared")
        image = Path(self.settings.files.kernels[state.linux.version])
        return Machine(
            files=self.settings.files,
            initramfs=initramfs(),
            kernel=boot_file(image),
            linux=state.linux,
            guest=self.guest,
            has_pv_ipi=state.has_pv_ipi,
            idle=state.idle,
        )


@attrs.frozen
class _LoadedTask:
    """A program, which needs no preparation."""

    guests: LinuxGuests
    task: Task

    def run(self, *, loops: int, warmup: int) -> SliceResult:
        """See `LoadedTask.run`."""
        if (loops, warmup) != (1, 0):
            raise UsageError("a program is a fixed amount of work, which runs once in a boot")
        return self.guests.run(self.task)


@contextmanager
def booted(guest: Guest, settings: Settings) -> Iterator[BootedGuest]:
    """The guests of a pair; none of them runs after the context."""
    with ExitStack() as undo:
        yield LinuxGuests(guest, settings, undo)


def request_of(task: Task) -> str:
    """The line for the guest: the program, its CPUs and its operations."""
    name, *numbers = task.program
    return " ".join(["run", name, *numbers])


def _trace(guest: RunningGuest, task: Task) -> Traced:
    events = (tracing.HYPERCALL, tracing.ICR_WRITE)
    readings: list[Traced] = []
    with tracing.traced(guest.vcpus.threads, events) as trace:
        guest.control.phase(
            request_of(task),
            lambda: readings.append(Traced(*(trace.counts(event) for event in events))),
        )
    before, after = readings
    return Traced(after.hypercalls - before.hypercalls, after.icr_writes - before.icr_writes)


def _canary(guest: RunningGuest) -> int:
    """The hypercalls that send IPIs during membarriers to three running CPUs."""
    readings: list[int] = []
    with tracing.traced(guest.vcpus.threads, (tracing.HYPERCALL,)) as trace:
        guest.control.phase(
            f"canary {CANARY}",
            lambda: readings.append(trace.counts(tracing.HYPERCALL)[KVM_HC_SEND_IPI]),
        )
    return readings[1] - readings[0]
