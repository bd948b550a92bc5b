"""A fake guest: the test states what KVM and the guest report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import attrs

from pvbench.delivery import Task
from pvbench.errors import UnavailableError
from pvbench.ops import Program
from pvbench_deliver_kvm.measure.instruments import Instruments
from pvbench_deliver_kvm.measure.kvm_guest import KvmBootedGuest
from pvbench_deliver_kvm.measure.raw_result import RawResult
from pvbench_deliver_kvm.measure.readings import Readings
from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm, Start
from pvbench_deliver_kvm.vmm.scheduling import RealTime
from support.kvm_raw import CPUS, GUEST, NULL, TSC_KHZ, raw_result, readings


@attrs.define
class FakeGuest:
    """
    A guest whose slices need no KVM.

    Args:
        raw: the raw result of every slice.
        recorded: the ops that the guest's own algorithm makes; None for the sender's.
        writes: ICR writes that the host traces in an audit; None if it cannot trace.
        failure: raised by every slice that sends.
        spoilt: how many slices from now on have an interrupt that cannot have come.
        traced: what was asked of the trace of ICR writes.
        sleeps: the seconds that were waited.
        slices: (loops, by the guest's algorithm, what idle CPUs do) of each slice.
        policies: those of real-time threads, by the number of the slice.
        synchronised: CPUs that were waited for.
    """

    cpus: tuple[int, ...] = ()
    raw: RawResult = attrs.field(factory=raw_result)
    recorded: Program | None = None
    writes: int | None = None
    failure: Exception | None = None
    spoilt: int = 0
    traced: list[str] = attrs.field(factory=list)
    sleeps: list[float] = attrs.field(factory=list)
    slices: list[tuple[int, bool, int]] = attrs.field(factory=list)
    policies: dict[int, list[RealTime]] = attrs.field(factory=dict)
    synchronised: list[tuple[int, ...]] = attrs.field(factory=list)
    box: Any = attrs.field(factory=lambda: SimpleNamespace(idle=mailbox.HALTED, limit_ticks=0))

    def booted(
        self, *, execution: str = "ops", near_exact: bool = False, **facts: str | int | float
    ) -> KvmBootedGuest:
        """The guest after its boot, when its null cost is known."""
        return KvmBootedGuest(
            self._vm(),
            execution=execution,
            facts=facts,
            near_exact=near_exact,
            instruments=Instruments(
                place=self._place,
                trace=lambda threads: FakeTrace(self, threads),
                read=self._read,
                sleep=self.sleeps.append,
                scheduled=self._scheduled,
            ),
        )

    @contextmanager
    def _scheduled(self, threads: Mapping[int, RealTime]) -> Iterator[str]:
        assert [*threads] == [*range(CPUS)]
        before = len(self.slices)
        yield f"policy {len(self.policies)}"
        for number in range(before, len(self.slices)):
            self.policies[number] = [*threads.values()]

    def _vm(self) -> GuestVm:
        start = Start(image=b"", hypercall_abi=0, cpus=self.cpus, patience_s=2)
        vm = SimpleNamespace(
            guest=GUEST,
            start=start,
            memory=SimpleNamespace(mailbox=self.box),
            threads=[SimpleNamespace(native_id=cpu) for cpu in range(CPUS)],
            commands=SimpleNamespace(synchronise=self.synchronised.append),
            tsc_khz=TSC_KHZ,
            tscs_agree=True,
        )
        return cast("GuestVm", vm)

    def _read(self, vm: GuestVm) -> Readings:
        """Every slice takes one exit of each CPU."""
        return readings("exits", exits=(len(self.slices),) * CPUS)

    def _place(self, vm: GuestVm, task: Task, loops: int, *, algorithm: bool) -> FakeSlice:
        return FakeSlice(self, task, loops, algorithm)

    def result(self) -> RawResult:
        """The raw result of the next slice."""
        if not self.spoilt:
            return self.raw
        self.spoilt -= 1
        spoilt = attrs.evolve(self.raw.handled, impossible=(0, 0, 2, 0))
        return attrs.evolve(self.raw, handled=spoilt)


@attrs.define
class FakeTrace:
    """The trace of a `FakeGuest`, which counts *writes* in each audit."""

    guest: FakeGuest
    threads: list[int]
    written: int = 7  # by others, before

    def start(self) -> None:
        """Note it; or there is nothing to trace with."""
        if self.guest.writes is None:
            raise UnavailableError("tracefs cannot be used", why="it is a fake")
        self.guest.traced.append("start")

    def count(self) -> int:
        """More by the number of writes than the last time."""
        self.written += self.guest.writes or 0
        return self.written

    def stop(self) -> None:
        """Note it."""
        self.guest.traced.append("stop")

    def close(self) -> None:
        """Note it."""
        self.guest.traced.append("close")


@attrs.frozen
class FakeSlice:
    """A slice of a `FakeGuest`."""

    guest: FakeGuest
    task: Task
    loops: int
    algorithm: bool

    def run(self) -> RawResult:
        """Note the slice; a null task has times of its own."""
        self.guest.slices.append((self.loops, self.algorithm, self.guest.box.idle))
        if self.task.reached == ((),):
            ticks = {name: [t + self.algorithm for t in row] for name, row in NULL.items()}
            return raw_result(samples=ticks)
        if self.guest.failure:
            raise self.guest.failure
        return self.guest.result()

    def recorded(self, index: int) -> Program:
        """The ops of the guest's algorithm for a burst."""
        ops = self.guest.recorded
        return self.task.programs[index] if ops is None else ops
