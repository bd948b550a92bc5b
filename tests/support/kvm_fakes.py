"""A guest of paper: what KVM and the guest would say is written down by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import attrs

from pvbench.delivery import Algorithm, Task
from pvbench.errors import UnavailableError
from pvbench.guest import Guest
from pvbench.ops import Burst, Fence, Program, WrMsr
from pvbench_deliver_kvm.measure.machine import KvmBootedGuest
from pvbench_deliver_kvm.measure.slices import Handled, Result
from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.booted_guest import GuestVm, Start

CPUS = 4
TSC_KHZ = 2_000_000
TO_CPU_1 = (Fence(), WrMsr(0x830, 1 << 32 | 0xFB))
NULL: dict[str, list[int]] = {"send": [30, 10, 20], "irqoff": [9, 7, 8]}
COUNTERS = ("exits", "hypercalls", "halt_wakeup", "halt_successful_poll")


def task_of(*bursts: Burst, program: Program = TO_CPU_1, **changes: Any) -> Task:
    """Bursts, by default one of CPU 0 to CPU 1, that all make *program*."""
    known: dict[str, Any] = {
        "bursts": bursts or (burst(),),
        "programs": tuple(program for _ in bursts or "1"),
        "reached": tuple(b.targets for b in bursts) or ((1,),),
        "program_for": lambda index, cpus: (),
    }
    return Task(**(known | changes))


def burst(source: int = 0, *targets: int, **changes: Any) -> Burst:
    """A bare multicast, to CPU 1 unless other targets are given."""
    return Burst(
        source=source, targets=targets or (1,), **({"operation": "send_IPI_mask"} | changes)
    )


def with_algorithm(task: Task, driver: str = "x2apic-physical", overlay: str = "") -> Task:
    """The same, of a stack that the guest has as code of its own."""
    return attrs.evolve(task, algorithm=Algorithm(driver=driver, overlay=overlay))


def result_of(**changes: Any) -> Result:
    """Raw results: CPU 1 has run its handler ten times."""
    known: dict[str, Any] = {
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
    return Result(**(known | changes))


def handled(*runs: int, functions: tuple[int, ...] = (), strange: Any = ()) -> Handled:
    """What the handlers of each CPU did."""
    none = (0,) * len(runs)
    return Handled(runs=runs, functions=functions or none, strange=strange or none)


@attrs.define
class Paper:
    """
    The guest, its slices, and what the host sees of them.

    Args:
        result: of every slice.
        change: how much each counter of each CPU grows in a slice.
        run_ns, wait_ns: how long the thread of each CPU runs and waits in one.
        recorded: the ops that the guest's own algorithm makes.
        writes: ICR writes the host traces in an audit; None if it cannot trace.
        slices: (loops, by the guest's algorithm, what idle CPUs do) of each slice.
        settled: CPUs that were waited for.
    """

    counters: tuple[str, ...] = COUNTERS
    abi: int = mailbox.HYPERCALL_KVM
    cpus: tuple[int, ...] = ()
    tscs_agree: bool = True
    result: Result = attrs.field(factory=result_of)
    change: dict[str, tuple[int, ...]] = attrs.field(factory=dict)
    run_ns: tuple[int, ...] = (0,) * CPUS
    wait_ns: tuple[int, ...] = (0,) * CPUS
    recorded: Program | None = None
    writes: int | None = None
    fails: Exception | None = None
    slices: list[tuple[int, bool, int]] = attrs.field(factory=list)
    settled: list[tuple[int, ...]] = attrs.field(factory=list)
    box: Any = attrs.field(factory=lambda: SimpleNamespace(idle=mailbox.HALTED, limit_ticks=0))

    def booted(self, *, execution: str = "ops", **facts: str) -> KvmBootedGuest:
        """Booted; its null cost is known."""
        self.box.hypercall_abi = self.abi
        return KvmBootedGuest(cast("GuestVm", self._guest()), execution=execution, facts=facts)

    def _guest(self) -> Any:
        start = Start(image=b"", hypercall_abi=self.abi, cpus=self.cpus, patience_s=2)
        named = self.counters
        return SimpleNamespace(
            guest=Guest(name="paper", apic_ids=range(CPUS)),
            start=start,
            memory=SimpleNamespace(mailbox=self.box),
            tsc_khz=TSC_KHZ,
            tscs_agree=self.tscs_agree,
            counters=[_Counters(self, cpu) for cpu in range(CPUS)] if named else [],
            threads=[SimpleNamespace(native_id=cpu) for cpu in range(CPUS)],
            commands=SimpleNamespace(synchronise=self.settled.append),
        )

    def schedstat(self, cpu: int) -> tuple[int, int]:
        """(ns run, ns waited) of a thread so far."""
        done = len(self.slices)
        return done * self.run_ns[cpu], done * self.wait_ns[cpu]


@attrs.frozen
class _Counters:
    paper: Paper
    cpu: int

    def read(self) -> dict[str, int]:
        done, change = len(self.paper.slices), self.paper.change
        grown = {name: done * each[self.cpu] for name, each in change.items()}
        return {name: 1_000 + grown.get(name, 0) for name in self.paper.counters}


def slices_of(paper: Paper) -> Callable[..., Any]:
    """In place of `pvbench_deliver_kvm.measure.slices.Slice`."""

    def made(guest: Any, task: Task, loops: int, *, call: bool) -> Any:
        def run() -> Result:
            paper.slices.append((loops, call, paper.box.idle))
            if paper.fails and task.reached != ((),):
                raise paper.fails
            if task.reached == ((),):
                null = {name: [ticks + call for ticks in row] for name, row in NULL.items()}
                return result_of(samples=null)
            return paper.result

        def recorded(index: int) -> Program:
            return task.programs[index] if paper.recorded is None else paper.recorded

        return SimpleNamespace(run=run, recorded=recorded)

    return made


def audits_of(paper: Paper) -> Callable[..., Any]:
    """In place of `pvbench_deliver_kvm.measure.icr_tracepoint.audit`."""

    @contextmanager
    def audit(threads: list[int]) -> Iterator[Any]:
        if paper.writes is None:
            raise UnavailableError("tracefs cannot be used", why="it is of paper")
        yield SimpleNamespace(count=lambda: paper.writes)

    return audit
