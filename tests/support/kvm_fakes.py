"""A fake guest: the test states what KVM and the guest report."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import attrs

from pvbench.delivery import Algorithm, Task
from pvbench.errors import UnavailableError
from pvbench.guest import Guest
from pvbench.ops import Burst, Fence, Program, WrMsr
from pvbench_deliver_kvm.measure.kvm_guest import Instruments, KvmBootedGuest
from pvbench_deliver_kvm.measure.raw_result import Handled, RawResult
from pvbench_deliver_kvm.measure.readings import Readings
from pvbench_deliver_kvm.measure.result import Context
from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm, Start

CPUS = 4
ZEROS = (0,) * CPUS
GUEST = Guest(name="fake", apic_ids=range(CPUS))
TSC_KHZ = 2_000_000
TO_CPU_1 = (Fence(), WrMsr(0x830, 1 << 32 | 0xFB))
NULL: dict[str, list[int]] = {"send": [30, 10, 20], "irqoff": [9, 7, 8]}
COUNTERS = ("exits", "hypercalls", "halt_wakeup", "halt_successful_poll")


def task_of(*bursts: Burst, program: Program = TO_CPU_1, **changes: Any) -> Task:
    """Bursts, by default one of CPU 0 to CPU 1; *program* is that of each."""
    fields: dict[str, Any] = {
        "bursts": bursts or (burst(),),
        "programs": tuple(program for _ in bursts or "1"),
        "reached": tuple(b.targets for b in bursts) or ((1,),),
        "program_for": lambda index, cpus: (),
    }
    return Task(**(fields | changes))


def burst(source: int = 0, *targets: int, **changes: Any) -> Burst:
    """A bare multicast, to CPU 1 unless other targets are given."""
    return Burst(
        source=source, targets=targets or (1,), **({"operation": "send_IPI_mask"} | changes)
    )


def with_algorithm(task: Task, driver: str = "x2apic-physical", overlay: str = "") -> Task:
    """The same, of a stack that the guest has as code of its own."""
    return attrs.evolve(task, algorithm=Algorithm(driver=driver, overlay=overlay))


def raw_result(**changes: Any) -> RawResult:
    """Raw results: CPU 1 has run its handler ten times."""
    fields: dict[str, Any] = {
        "samples": {
            "send": [100] * 10,
            "irqoff": [],
            "deliver": [150] * 10,
            "ack": [200] * 10,
            "wall": [250] * 10,
        },
        "handled": handled(0, 10, 0, 0),
        "partial": (),
        "icr_writes": 10,
        "hypercalls": 3,
        "returned": 0,
        "span_ticks": 2_600,
        "troubles": (),
    }
    return RawResult(**(fields | changes))


def handled(
    *runs: int, functions: tuple[int, ...] = (), unexpected: Any = (), impossible: Any = ()
) -> Handled:
    """The work of the handlers of each CPU."""
    zeros = (0,) * len(runs)
    return Handled(
        runs=runs,
        functions=functions or zeros,
        unexpected=unexpected or zeros,
        impossible=impossible or zeros,
    )


def readings(
    *names: str,
    ran: tuple[int, ...] = ZEROS,
    waited: tuple[int, ...] = ZEROS,
    **counters: tuple[int, ...],
) -> Readings:
    """
    The readings of four CPUs by the host.

    Args:
        names: counters that KVM keeps, 0 unless *counters* has them.
    """
    return Readings(
        counters=[
            {name: counters.get(name, ZEROS)[cpu] for name in names} for cpu in range(CPUS)
        ]
        if names
        else [],
        ran_ns=[*ran],
        waited_ns=[*waited],
    )


def context(**changes: Any) -> Context:
    """Of a guest of four CPUs whose TSCs agree, on as many host CPUs."""
    fields: dict[str, Any] = {
        "guest": GUEST,
        "execution": "ops",
        "cpu_list": (),
        "usable_cpus": CPUS,
        "tsc_khz": TSC_KHZ,
        "tscs_agree": True,
        "icr_writes_traced": 1.0,
        "null_ticks": {"null_send_ticks": 20, "null_irqoff_ticks": 8},
        "host_facts": {},
    }
    return Context(**(fields | changes))


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
    synchronised: list[tuple[int, ...]] = attrs.field(factory=list)
    box: Any = attrs.field(factory=lambda: SimpleNamespace(idle=mailbox.HALTED, limit_ticks=0))

    def booted(self, *, execution: str = "ops", **facts: str | int | float) -> KvmBootedGuest:
        """The guest after its boot, when its null cost is known."""
        return KvmBootedGuest(
            self._vm(),
            execution=execution,
            facts=facts,
            instruments=Instruments(
                place=self._place,
                trace=lambda threads: FakeTrace(self, threads),
                read=self._read,
                sleep=self.sleeps.append,
            ),
        )

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
