"""A booted guest loads a task and runs its slices, in a fixed order."""

from __future__ import annotations

import os
from typing import Any

import attrs
import pytest

from pvbench.ops import Fence, WrMsr
from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.commands import GuestError
from support.kvm_fakes import FakeGuest
from support.kvm_raw import burst, task_of, with_algorithm

NULL_SLICES = [(50, False, mailbox.HALTED), (50, True, mailbox.HALTED)]
IN_ORDER = (Fence(), WrMsr(0x830, 2 << 32 | 0xFB))


@pytest.fixture
def fake() -> FakeGuest:
    """A guest whose slices all succeed."""
    return FakeGuest()


def loops_of(fake: FakeGuest) -> list[tuple[int, bool]]:
    """(loops, by the guest's algorithm) of each slice after those of null costs."""
    nulls = [name for name in fake.slices if name in NULL_SLICES]
    assert fake.slices[: len(nulls)] == nulls != []
    return [(loops, call) for loops, call, _ in fake.slices[len(nulls) :]]


@pytest.mark.parametrize(
    ("execution", "task", "call"),
    [
        pytest.param("algorithm", with_algorithm(task_of()), True, id="algorithm"),
        pytest.param("ops", with_algorithm(task_of()), False, id="asked-for-ops"),
        pytest.param("algorithm", task_of(), False, id="no-algorithm"),
        pytest.param("algorithm", with_algorithm(task_of(), "acme"), False, id="others-driver"),
        pytest.param(
            "algorithm", with_algorithm(task_of(), overlay="acme"), False, id="others-overlay"
        ),
    ],
)
def test_the_guest_calls_its_own_algorithm_where_it_has_one(
    fake: FakeGuest, execution: str, task: Any, call: bool
) -> None:
    """It does so in warm-up and timed slices, and the facts say so."""
    result = fake.booted(execution=execution).load(task).run(loops=30, warmup=20)

    assert loops_of(fake) == [(20, call), (30, call)]
    assert result.facts["execution"] == ("algorithm" if call else "ops")


def test_a_task_is_audited_when_it_is_loaded_and_then_only_run(fake: FakeGuest) -> None:
    """Loading it again audits it again."""
    fake.writes = 15
    booted = fake.booted()
    one, other = booted.load(task_of()), booted.load(task_of())
    for loaded, warmup in ((one, 2), (one, 0), (other, 0), (one, 3)):
        loaded.run(loops=10, warmup=warmup)

    assert [loops for loops, _ in loops_of(fake)] == [5, 5, 2, 10, 10, 10, 3, 10]


def test_nothing_is_traced_while_slices_are_timed(fake: FakeGuest) -> None:
    """One trace serves all tasks of a boot: it stops for slices and starts for a new task."""
    fake.writes = 5
    booted = fake.booted()
    booted.load(task_of())
    booted.load(task_of()).run(loops=10, warmup=0)
    booted.load(task_of())
    booted.close()

    assert fake.traced == ["start", "start", "stop", "start", "close"]


@pytest.mark.parametrize(
    ("spoilt", "runs", "faults", "repeats"),
    [
        pytest.param(0, 1, 0, None, id="honest"),
        pytest.param(1, 2, 0, 1, id="once"),
        pytest.param(3, 4, 0, 3, id="three-times"),
        pytest.param(4, 4, 1, 3, id="always"),
    ],
)
def test_a_slice_that_an_emulator_spoilt_is_repeated_a_little_later(
    fake: FakeGuest, spoilt: int, runs: int, faults: int, repeats: int | None
) -> None:
    """It is repeated at most three times; then the result has the fault of the host."""
    loaded = fake.booted().load(task_of())
    before, fake.spoilt = len(fake.slices), spoilt
    result = loaded.run(loops=10, warmup=0)

    assert [loops for loops, *_ in fake.slices[before:]] == [10] * runs
    assert fake.sleeps == [137e-6] * (runs - 1)
    assert (len(result.host_faults), result.facts.get("repeated_slices")) == (faults, repeats)


def test_repeated_slices_of_a_task_are_counted_over_its_boot(fake: FakeGuest) -> None:
    """The facts that are stored are those of its last slice."""
    one, other = (fake.booted().load(task_of()) for _ in "12")
    fake.spoilt = 2
    facts = [loaded.run(loops=10, warmup=0).facts for loaded in (one, other, one)]

    assert [fact.get("repeated_slices") for fact in facts] == [2, None, 2]


def test_an_algorithm_that_makes_other_ops_is_refused(fake: FakeGuest) -> None:
    """Before anything is sent; its time would be that of another algorithm."""
    fake.recorded = IN_ORDER
    with pytest.raises(
        GuestError,
        match=r"the guest's .*x2apic-cluster.* makes other ops than the sender: "
        r"send_IPI_mask of CPU 0",
    ):
        fake.booted(execution="algorithm").load(with_algorithm(task_of(), "x2apic-cluster"))

    assert loops_of(fake) == []


def test_each_burst_is_proved(fake: FakeGuest) -> None:
    """The second of two differs."""
    task = with_algorithm(task_of(burst(0, 1), burst(3, 1)))
    fake.recorded = task.programs[0]
    wrong_task = attrs.evolve(task, programs=(task.programs[0], IN_ORDER))
    booted = fake.booted(execution="algorithm")
    booted.load(task)

    with pytest.raises(GuestError, match="send_IPI_mask of CPU 3"):
        booted.load(wrong_task)


def test_a_burst_without_ops_is_proved_too(fake: FakeGuest) -> None:
    """The guest's code sends to a CPU, although the list of ops is empty."""
    fake.recorded = IN_ORDER
    without_ops = with_algorithm(task_of(program=()))

    fake.booted(execution="ops").load(without_ops)

    with pytest.raises(GuestError, match="makes other ops than the sender"):
        fake.booted(execution="algorithm").load(without_ops)


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        pytest.param(15, 3.0, id="three-an-iteration"),
        pytest.param(4, 0.8, id="not-all-of-them"),
        pytest.param(None, "tracefs cannot be used: it is a fake", id="unknown"),
    ],
)
def test_icr_writes_as_the_host_traced_them_are_a_fact(
    fake: FakeGuest, writes: int | None, expected: object
) -> None:
    """For an iteration, from an audit that is not timed; or why it is unknown."""
    fake.writes = writes
    loaded = fake.booted().load(task_of())
    traced = [loaded.run(loops=1, warmup=0).facts["icr_writes_traced"] for _ in "12"]

    assert traced == [expected, expected]


def test_targets_that_run_do_so_from_the_first_slice_to_the_last(fake: FakeGuest) -> None:
    """Idle CPUs spin in the audit and in each slice, and all but the sources know it first."""
    task = task_of(burst(0, 1), burst(2, 3), target_state="running")
    fake.booted().load(task).run(loops=10, warmup=5)

    assert fake.slices[1:] == [(5, False, mailbox.RUNNING), (10, False, mailbox.RUNNING)]
    assert (fake.synchronised, fake.box.idle) == ([(1, 3), (1, 3)], mailbox.HALTED)


def test_halted_targets_are_not_synchronised(fake: FakeGuest) -> None:
    """Idle CPUs halt by default."""
    fake.booted().load(task_of()).run(loops=10, warmup=0)

    assert (fake.synchronised, fake.slices[-1]) == ([], (10, False, mailbox.HALTED))


def test_targets_halt_again_when_a_slice_fails(fake: FakeGuest) -> None:
    """A spinning guest would occupy a host CPU."""
    booted = fake.booted()
    fake.failure = GuestError("it is lost")
    with pytest.raises(GuestError, match="it is lost"):
        booted.load(task_of(target_state="running")).run(loops=1, warmup=0)

    assert fake.slices[-1][2] == mailbox.RUNNING
    assert fake.box.idle == mailbox.HALTED


def test_the_time_of_an_iteration_that_sends_nothing_is_a_fact(fake: FakeGuest) -> None:
    """It is the median in ticks, by the execution of the task."""
    of_ops, of_algorithm = (
        fake.booted(execution=execution)
        .load(with_algorithm(task_of()))
        .run(loops=1, warmup=0)
        .facts
        for execution in ("ops", "algorithm")
    )

    assert (of_ops["null_send_ticks"], of_ops["null_irqoff_ticks"]) == (20, 8)
    assert (of_algorithm["null_send_ticks"], of_algorithm["null_irqoff_ticks"]) == (21, 9)


def test_facts_of_the_host_are_stored_with_each_result(fake: FakeGuest) -> None:
    """They are all those that the delivery hands in."""
    facts = fake.booted(place="here").load(task_of()).run(loops=1, warmup=0).facts

    assert facts["place"] == "here"


def test_readings_are_taken_around_the_timed_slice_only(fake: FakeGuest) -> None:
    """Every slice of this guest takes one exit, the warm-up among them."""
    result = fake.booted().load(task_of()).run(loops=3, warmup=2)

    assert result.counts.exits == 1


def test_a_wait_in_the_guest_ends_before_the_host_s_patience(fake: FakeGuest) -> None:
    """It ends after half of the two seconds, at 2 GHz; the guest names what it waited for."""
    fake.booted()

    assert fake.box.limit_ticks == 2_000_000_000


@pytest.mark.parametrize("cpus", [(5, 2), ()], ids=["chosen", "any"])
def test_usable_host_cpus_are_the_chosen_ones_or_all(
    fake: FakeGuest, cpus: tuple[int, ...]
) -> None:
    """All are those that this process may use."""
    fake.cpus = cpus
    context = fake.booted().load(task_of()).context

    assert context.usable_cpus == len(cpus or os.sched_getaffinity(0))
    assert context.cpu_list == cpus
