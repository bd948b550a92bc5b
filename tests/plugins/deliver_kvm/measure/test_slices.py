"""Slices in real guests: their results say what happened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import attrs
import pytest

from pvbench.delivery import Options, Task
from pvbench.host import facts as host_facts
from pvbench.ops import Burst, Fence, WrMsr
from pvbench.run.prepared import Prepared, prepare
from pvbench.run.proof import differences
from pvbench.slice_result import SliceResult
from pvbench_deliver_kvm.delivery import KvmDelivery
from pvbench_deliver_kvm.measure import algorithms
from pvbench_deliver_kvm.measure.boot import boot_guest
from pvbench_deliver_kvm.measure.kvm_guest import KvmBootedGuest
from pvbench_deliver_kvm.measure.result import HALTED_SHARE
from pvbench_deliver_kvm.settings import Settings
from pvbench_deliver_kvm.vmm.commands import Commands, GuestError
from support.helpers import burst_of, stack_of, total_ticks
from support.kvm import PATIENCE_S
from support.model import call, case_of, cpus, mask

pytestmark = pytest.mark.usefixtures("needs_kvm")

NATIVE, CLUSTER = "x2apic-physical", "x2apic-cluster"
STRANGE = WrMsr(0x830, 1 << 32 | 0xF0)  # a vector that no burst has


def prepared_case(*bursts: Burst, stack: str = NATIVE) -> Prepared:
    """A case of halted targets in a guest of four, checked."""
    return prepare(case_of(stack, cpus(4), *bursts, state="halted"))


@contextmanager
def booted(
    *, execution: str = "algorithm", host_cpus: tuple[int, ...] = ()
) -> Iterator[KvmBootedGuest]:
    """A booted guest of four, on these host CPUs."""
    settings = Settings(
        cpus=host_cpus, execution=execution, patience_s=PATIENCE_S, software=True
    )
    with boot_guest(cpus(4), settings) as guest:
        assert isinstance(guest, KvmBootedGuest)
        yield guest


def ran(task: Task, *, execution: str = "algorithm", loops: int = 10) -> SliceResult:
    """One slice in a guest of its own."""
    with booted(execution=execution) as guest:
        return guest.load(task).run(loops=loops, warmup=0)


def test_a_slice_proves_its_counts_and_has_facts() -> None:
    """The counts equal the expected ones; the facts are those of the guest and its clock."""
    prepared = prepared_case(call(0, 1, 2, 3))
    result = ran(prepared.task)

    assert differences(prepared, result) == []
    assert (result.counts.icr_writes, result.counts.handlers) == (30, (0, 10, 10, 10))
    assert (result.facts["execution"], result.facts["cpu_list"]) == ("algorithm", "any")
    assert result.ticks_per_second == 1_000 * int(result.facts["tsc_khz"]) > 0
    assert int(result.facts["null_send_ticks"]) >= int(result.facts["null_irqoff_ticks"]) > 0


def test_the_times_of_a_burst_are_in_order() -> None:
    """A handler runs before it acknowledges, and each step takes time."""
    ticks = total_ticks(ran(prepared_case(call(0, 1, 2, 3)).task))

    assert 0 < ticks["send"] <= ticks["ack"] <= ticks["wall"]
    assert 0 < ticks.get("deliver", ticks["ack"]) <= ticks["ack"]


def test_the_target_state_follows_from_kvm_s_counters() -> None:
    """A preempted target may not have halted before each burst."""
    result = ran(prepared_case(call(0, 1)).task, loops=50)
    woken = [result.counts.wakeups_polled, result.counts.wakeups_blocked]
    wakeups = sum(count for count in woken if count is not None)
    asleep = None in woken or wakeups >= HALTED_SHARE * 50

    assert result.target_state == ("halted" if asleep else "preempted")
    assert None in woken or wakeups > 0


def test_a_sender_without_hypercalls_has_a_count_of_zero() -> None:
    """By KVM's counter where it exists, else by the guest's own."""
    result = ran(prepared_case(call(0, 1)).task)
    counted = "hypercalls" in str(result.facts["kvm_counters"]).split(",")

    assert result.counts.hypercalls == 0
    assert result.facts["hypercall_proof"] == (
        "KVM's counter" if counted else "the guest's own count"
    )


def test_a_lossy_task_is_not_waited_for() -> None:
    """CPU 2 gets no IPI, so only the time of sending exists."""
    task = attrs.evolve(prepared_case(mask(0, 1)).task, lossy=True)
    result = ran(attrs.evolve(task, bursts=(mask(0, 1, 2),)), execution="ops")

    assert (result.counts.handlers, result.faults) == ((0, 10, 0, 0), ())
    assert set(result.distributions) - {"irqoff"} == {"send"}


def test_a_vector_of_no_burst_is_a_fault() -> None:
    """CPU 1, which is not a target, handles it; the guest can run another slice."""
    task = prepared_case(mask(0, 2, vector=0xFB)).task
    strange = attrs.evolve(task, programs=((Fence(), STRANGE, *task.programs[0]),))
    with booted(execution="ops") as guest:
        first = guest.load(strange).run(loops=5, warmup=0)
        second = guest.load(task).run(loops=5, warmup=0)

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
    task = attrs.evolve(prepared_case(mask(0, 1)).task, **changes)
    with booted(execution="ops") as usual:
        commands = NotingCommands(usual.vm.commands)
        vm = attrs.evolve(usual.vm, commands=cast("Commands", commands))
        with closing(KvmBootedGuest(vm, execution="ops")) as noting:
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
    """The guest records the ops of its algorithm before it sends anything."""
    table = getattr(algorithms, mapping)
    monkeypatch.setitem(table, name, table[other])

    with pytest.raises(
        GuestError,
        match="makes other ops than the sender: smp_call_function_many of CPU 0",
    ):
        ran(prepared_case(TO_MANY, stack=stack).task)


def test_a_sender_whose_ops_differ_from_the_guest_s_algorithm_is_refused() -> None:
    """It has one fence more than the guest's algorithm; its ops may be executed."""
    task = prepared_case(TO_MANY).task
    fenced = attrs.evolve(task, programs=((Fence(), *task.programs[0]),))

    with pytest.raises(GuestError, match=f"{NATIVE}.* makes other ops than the sender"):
        ran(fenced)
    assert ran(fenced, execution="ops").faults == ()


@pytest.mark.parametrize("operation", ["send_IPI_mask", "send_IPI_mask_allbutself"])
def test_algorithm_and_replay_have_the_same_counts(operation: str) -> None:
    """ICR writes, handler runs and return values."""
    prepared = prepared_case(burst_of(operation, 1, 3, vector=0xFB), stack=CLUSTER)
    with booted() as calling, booted(execution="ops") as replaying:
        results = [m.load(prepared.task).run(loops=4, warmup=1) for m in (calling, replaying)]

    assert [result.facts["execution"] for result in results] == ["algorithm", "ops"]
    assert [differences(prepared, result) for result in results] == [[], []]


def test_vcpu_threads_stay_on_the_chosen_host_cpus() -> None:
    """All four have one host CPU; the rest of this process may run anywhere."""
    before = os.sched_getaffinity(0)
    host_cpu = max(before)
    with booted(host_cpus=(host_cpu,)) as guest:
        allowed = [os.sched_getaffinity(t.native_id or 0) for t in guest.vm.threads]
        facts = guest.load(prepared_case(call(0, 1)).task).run(loops=2, warmup=0).facts

    assert (allowed, os.sched_getaffinity(0)) == ([{host_cpu}] * 4, before)
    assert (facts["cpu_list"], facts["overcommitted"]) == (str(host_cpu), "yes")


@pytest.mark.parametrize("own", [0, 10, 15])
def test_vcpu_threads_have_a_low_priority_on_a_software_kvm(own: int) -> None:
    """Their nice value is at least 10, and at least that of the booting thread."""
    own = max(own, os.nice(0))
    with ThreadPoolExecutor(1) as pool:
        niceness = pool.submit(niceness_of_vcpus, own).result()

    assert niceness == {max(own, 10)}


def niceness_of_vcpus(own: int) -> set[int]:
    """The nice values of vCPU threads which a thread of nice value *own* has started."""
    os.setpriority(os.PRIO_PROCESS, 0, own)  # on Linux that of the calling thread alone
    with booted() as guest:
        threads = [thread.native_id or 0 for thread in guest.vm.threads]
        return {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads}


def test_a_boot_takes_the_worker_data_of_a_description() -> None:
    """The test boots as a worker does."""
    host_cpu = min(os.sched_getaffinity(0))
    description = KvmDelivery().describe(Options(cpus=(host_cpu,), execution="ops"))
    with KvmDelivery().boot(cpus(2), description.worker_data) as guest:
        facts = guest.load(ready_for_two().task).run(loops=2, warmup=0).facts

    assert (facts["execution"], facts["cpu_list"]) == ("ops", str(host_cpu))
    assert description.facts["tsc_khz"] == facts["tsc_khz"]


def test_its_notes_name_the_kernel_and_whether_kvm_is_emulated() -> None:
    """A table shows them below its times."""
    source, *caveats = KvmDelivery().describe(Options(probe=False)).notes
    software = host_facts.facts()["virtualization"].startswith("software")

    assert Path("/proc/sys/kernel/osrelease").read_text().strip() in source
    assert [caveat.partition(":")[0] for caveat in caveats] == ["Caveat"] * software


def ready_for_two() -> Prepared:
    """CPU 0 calls a function on CPU 1, the only other CPU."""
    return prepare(case_of(stack_of(NATIVE), cpus(2), call(0, 1), state="halted"))
