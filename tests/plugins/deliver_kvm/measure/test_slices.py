"""A machine of real KVM: what it says of a slice is what happened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import attrs
import pytest

from pvbench.delivery import Options, Task
from pvbench.ops import Burst, Fence, WrMsr
from pvbench.run.prepared import Prepared, prepare
from pvbench.run.proof import differences
from pvbench.slice_result import SliceResult
from pvbench_deliver_kvm.delivery import KvmDelivery
from pvbench_deliver_kvm.measure import algorithms
from pvbench_deliver_kvm.measure.boot import boot_guest
from pvbench_deliver_kvm.measure.kvm_guest import KvmBootedGuest
from pvbench_deliver_kvm.measure.result import HALTED_SHARE
from pvbench_deliver_kvm.vmm.commands import Commands, GuestError
from support.helpers import burst_of, stack_of
from support.kvm import PATIENCE_S
from support.model import call, case_of, cpus, mask

pytestmark = pytest.mark.usefixtures("needs_kvm")

NATIVE, CLUSTER = "x2apic-physical", "x2apic-cluster"
STRANGE = WrMsr(0x830, 1 << 32 | 0xF0)  # a vector that no burst has


def ready(*bursts: Burst, stack: str = NATIVE) -> Prepared:
    """A case of halted targets in a guest of four, checked."""
    return prepare(case_of(stack, cpus(4), *bursts, state="halted"))


@contextmanager
def booted(
    *, execution: str = "algorithm", on: tuple[int, ...] = ()
) -> Iterator[KvmBootedGuest]:
    """A booted guest of four, on these host CPUs."""
    settings = {
        "cpus": list(on),
        "execution": execution,
        "patience_s": PATIENCE_S,
        "software": True,
    }
    with boot_guest(cpus(4), settings) as made:
        assert isinstance(made, KvmBootedGuest)
        yield made


def ran(task: Task, *, execution: str = "algorithm", loops: int = 10) -> SliceResult:
    """One slice in a guest of its own."""
    with booted(execution=execution) as made:
        return made.load(task).run(loops=loops, warmup=0)


def test_a_slice_is_proved_and_says_how_it_was_made() -> None:
    """Counts by equality; the facts of the guest and its clock."""
    prepared = ready(call(0, 1, 2, 3))
    result = ran(prepared.task)

    assert differences(prepared, result) == []
    assert (result.counts.icr_writes, result.counts.handlers) == (30, (0, 10, 10, 10))
    assert (result.facts["execution"], result.facts["cpu_list"]) == ("algorithm", "any")
    assert result.ticks_per_second == 1_000 * int(result.facts["tsc_khz"]) > 0
    assert int(result.facts["null_send_ticks"]) >= int(result.facts["null_irqoff_ticks"]) > 0


def test_times_are_in_order_burst_by_burst() -> None:
    """Nobody acknowledges before a handler has run, and all of it takes time."""
    ticks = ran(ready(call(0, 1, 2, 3)).task).ticks

    assert 0 < ticks["send"] <= ticks["ack"] <= ticks["wall"]
    assert 0 < ticks.get("deliver", ticks["ack"]) <= ticks["ack"]


def test_targets_were_what_kvm_s_counters_say() -> None:
    """A preempted one may not have slept; the state follows from the very counts."""
    result = ran(ready(call(0, 1)).task, loops=50)
    woken = [result.counts.wakeups_polled, result.counts.wakeups_blocked]
    known = sum(count for count in woken if count is not None)
    asleep = None in woken or known >= HALTED_SHARE * 50

    assert result.target_state == ("halted" if asleep else "preempted")
    assert None in woken or known > 0


def test_hypercalls_that_nobody_makes_are_counted_as_none() -> None:
    """By KVM where it has a counter, and by the guest."""
    result = ran(ready(call(0, 1)).task)
    kept = "hypercalls" in str(result.facts["kvm_counters"]).split(",")

    assert result.counts.hypercalls == 0
    assert result.facts["hypercall_proof"] == (
        "KVM's counter" if kept else "the guest's own count"
    )


def test_nobody_waits_for_what_is_lost() -> None:
    """CPU 2 is never sent to: no acknowledgement, no delivery, no time of the whole."""
    task = attrs.evolve(ready(mask(0, 1)).task, lossy=True)
    result = ran(attrs.evolve(task, bursts=(mask(0, 1, 2),)), execution="ops")

    assert (result.counts.handlers, result.faults) == ((0, 10, 0, 0), ())
    assert set(result.ticks) - {"irqoff"} == {"send"}


def test_a_vector_that_nobody_asked_for_is_a_fault() -> None:
    """CPU 1 handles it, beside the one that was sent; the guest lives on."""
    task = ready(mask(0, 2, vector=0xFB)).task
    strange = attrs.evolve(task, programs=((Fence(), STRANGE, *task.programs[0]),))
    with booted(execution="ops") as made:
        first = made.load(strange).run(loops=5, warmup=0)
        second = made.load(task).run(loops=5, warmup=0)

    assert first.faults == ("CPU 1 handled a vector that no burst has",)
    assert first.counts.handlers == second.counts.handlers == (0, 0, 5, 0)
    assert second.faults == ()


@pytest.mark.parametrize(
    ("changes", "synchronised"),
    [
        pytest.param({"bursts": (mask(0, 1, wait=False),)}, (1, 2, 3), id="unwaited"),
        pytest.param({"lossy": True}, (1, 2, 3), id="lossy"),
        pytest.param({}, (2, 3), id="waited"),
    ],
)
def test_a_slice_is_over_when_its_last_handler_has_run(
    changes: dict[str, Any], synchronised: tuple[int, ...]
) -> None:
    """The host waits for the CPUs that no source waits for before it counts."""
    task = attrs.evolve(ready(mask(0, 1)).task, **changes)
    with booted(execution="ops") as usual:
        commands = NotingCommands(usual.vm.commands)
        noting = KvmBootedGuest(
            attrs.evolve(usual.vm, commands=cast("Commands", commands)), execution="ops"
        )
        commands.synchronised.clear()
        result = noting.load(task).run(loops=20, warmup=0)

    assert (set(commands.synchronised), result.counts.icr_writes) == ({synchronised}, 20)
    assert 1 <= result.counts.handlers[1] <= 20


class NotingCommands:
    """The commands of a guest, which note what is synchronised."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self.synchronised: list[tuple[int, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commands, name)

    def synchronise(self, cpus: tuple[int, ...]) -> None:
        """Do so, and note the CPUs."""
        self._commands.synchronise(cpus)
        self.synchronised.append(cpus)


TO_MANY = call(0, 1, 2, 3)  # which physical and cluster mode send differently


@pytest.mark.parametrize(
    ("mapping", "name", "other", "stack"),
    [
        pytest.param("DRIVERS", NATIVE, CLUSTER, NATIVE, id="driver"),
        pytest.param("DRIVERS", CLUSTER, NATIVE, CLUSTER, id="the-other-way-round"),
        pytest.param("OVERLAYS", "", "kvm-pv", NATIVE, id="overlay"),
        pytest.param("OVERLAYS", "", "xen-evtchn", NATIVE, id="another-hypervisor-s"),
    ],
)
def test_another_algorithm_than_the_sender_s_is_refused(
    monkeypatch: pytest.MonkeyPatch, mapping: str, name: str, other: str, stack: str
) -> None:
    """It is asked for its ops before it sends anything."""
    table = getattr(algorithms, mapping)
    monkeypatch.setitem(table, name, table[other])

    with pytest.raises(
        GuestError,
        match="makes other ops than the sender: smp_call_function_many of CPU 0",
    ):
        ran(ready(TO_MANY, stack=stack).task)


def test_a_sender_that_is_not_what_its_name_says_is_refused() -> None:
    """Its ops are one fence more than the algorithm of that name makes; a replay is free."""
    task = ready(TO_MANY).task
    fenced = attrs.evolve(task, programs=((Fence(), *task.programs[0]),))

    with pytest.raises(GuestError, match=f"{NATIVE}.* makes other ops than the sender"):
        ran(fenced)
    assert ran(fenced, execution="ops").faults == ()


@pytest.mark.parametrize("operation", ["send_IPI_mask", "send_IPI_mask_allbutself"])
def test_both_ways_of_execution_do_the_same(operation: str) -> None:
    """The algorithm and its replay: writes, handlers and what they return."""
    prepared = ready(burst_of(operation, 1, 3, vector=0xFB), stack=CLUSTER)
    with booted() as calling, booted(execution="ops") as replaying:
        both = [m.load(prepared.task).run(loops=4, warmup=1) for m in (calling, replaying)]

    assert [result.facts["execution"] for result in both] == ["algorithm", "ops"]
    assert [differences(prepared, result) for result in both] == [[], []]


def test_vcpus_run_where_they_are_told_to() -> None:
    """One host CPU for all four: the threads stay on it, this process does not."""
    before = os.sched_getaffinity(0)
    one = max(before)
    with booted(on=(one,)) as made:
        allowed = [os.sched_getaffinity(t.native_id or 0) for t in made.vm.threads]
        facts = made.load(ready(call(0, 1)).task).run(loops=2, warmup=0).facts

    assert (allowed, os.sched_getaffinity(0)) == ([{one}] * 4, before)
    assert (facts["cpu_list"], facts["overcommitted"]) == (str(one), "yes")


@pytest.mark.parametrize("own", [0, 10, 15])
def test_vcpu_threads_give_way_where_kvm_is_software(own: int) -> None:
    """Their nice value is 10 at least, and never below that of the thread that boots."""
    own = max(own, os.nice(0))
    with ThreadPoolExecutor(1) as pool:
        niceness = pool.submit(niceness_of_vcpus, own).result()

    assert niceness == {max(own, 10)}


def niceness_of_vcpus(own: int) -> set[int]:
    """The nice values of vCPU threads which a thread of nice value *own* has started."""
    os.setpriority(os.PRIO_PROCESS, 0, own)  # on Linux that of the calling thread alone
    with booted() as made:
        threads = [thread.native_id or 0 for thread in made.vm.threads]
        return {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads}


def test_settings_are_what_a_boot_needs() -> None:
    """As a worker gets them: the delivery's own, through a boot."""
    one = min(os.sched_getaffinity(0))
    settings = KvmDelivery().settings(Options(cpus=(one,), execution="ops"))
    with KvmDelivery().boot(cpus(2), settings) as made:
        facts = made.load(ready_for_two().task).run(loops=2, warmup=0).facts

    assert (facts["execution"], facts["cpu_list"]) == ("ops", str(one))
    assert settings["facts"]["tsc_khz"] == facts["tsc_khz"]
    assert Path("/proc/sys/kernel/osrelease").read_text().strip() in str(facts["source"])
    assert ("caveat" in facts) == settings["software"]


def ready_for_two() -> Prepared:
    """CPU 0 calls the only other one."""
    return prepare(case_of(stack_of(NATIVE), cpus(2), call(0, 1), state="halted"))
