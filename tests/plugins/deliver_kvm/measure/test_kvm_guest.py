"""What a machine does with a task, in which order, and what it says of itself."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.ops import Fence, WrMsr
from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.commands import GuestError
from support.kvm_fakes import Paper, burst, handled, result_of, task_of, with_algorithm

NULL_SLICES = [(50, False, mailbox.HALTED), (50, True, mailbox.HALTED)]
IN_ORDER = (Fence(), WrMsr(0x830, 2 << 32 | 0xFB))


def loops_of(paper: Paper) -> list[tuple[int, bool]]:
    """(loops, by the guest's algorithm) of each slice after those of null costs."""
    nulls = [one for one in paper.slices if one in NULL_SLICES]
    assert paper.slices[: len(nulls)] == nulls != []
    return [(loops, call) for loops, call, _ in paper.slices[len(nulls) :]]


@pytest.mark.parametrize(
    ("execution", "task", "call"),
    [
        pytest.param("algorithm", with_algorithm(task_of()), True, id="algorithm"),
        pytest.param("ops", with_algorithm(task_of()), False, id="asked-to-replay"),
        pytest.param("algorithm", task_of(), False, id="no-algorithm"),
        pytest.param("algorithm", with_algorithm(task_of(), "acme"), False, id="others-driver"),
        pytest.param(
            "algorithm", with_algorithm(task_of(), overlay="acme"), False, id="others-overlay"
        ),
    ],
)
def test_the_guest_calls_its_own_algorithm_where_it_has_one(
    paper: Paper, execution: str, task: Any, call: bool
) -> None:
    """Warm-up and timed slices alike; the facts say which it was."""
    result = paper.booted(execution=execution).load(task).run(loops=30, warmup=20)

    assert loops_of(paper) == [(20, call), (30, call)]
    assert result.facts["execution"] == ("algorithm" if call else "ops")


def test_a_task_is_audited_when_it_is_loaded_and_then_only_run(paper: Paper) -> None:
    """Loading it again audits it again."""
    paper.writes = 15
    booted = paper.booted()
    one, other = booted.load(task_of()), booted.load(task_of())
    for loaded, warmup in ((one, 2), (one, 0), (other, 0), (one, 3)):
        loaded.run(loops=10, warmup=warmup)

    assert [loops for loops, _ in loops_of(paper)] == [5, 5, 2, 10, 10, 10, 3, 10]


def test_an_algorithm_that_makes_other_ops_is_refused(paper: Paper) -> None:
    """Before anything is sent: what it would time is not what it is called."""
    paper.recorded = IN_ORDER
    with pytest.raises(
        GuestError,
        match=r"the guest's .*x2apic-cluster.* makes other ops than the sender: "
        r"send_IPI_mask of CPU 0",
    ):
        paper.booted(execution="algorithm").load(with_algorithm(task_of(), "x2apic-cluster"))

    assert loops_of(paper) == []


def test_each_burst_is_proved(paper: Paper) -> None:
    """The second of two differs."""
    task = with_algorithm(task_of(burst(0, 1), burst(3, 1)))
    paper.recorded = task.programs[0]
    wrong = attrs.evolve(task, programs=(task.programs[0], IN_ORDER))
    booted = paper.booted(execution="algorithm")
    booted.load(task)

    with pytest.raises(GuestError, match="send_IPI_mask of CPU 3"):
        booted.load(wrong)


def test_a_burst_without_ops_is_proved_too(paper: Paper) -> None:
    """Nobody is to be sent to, and the guest's code does; a replay proves nothing."""
    paper.recorded = IN_ORDER
    nobody = with_algorithm(task_of(program=()))

    paper.booted(execution="ops").load(nobody)

    with pytest.raises(GuestError, match="makes other ops than the sender"):
        paper.booted(execution="algorithm").load(nobody)


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        pytest.param(15, 3.0, id="three-an-iteration"),
        pytest.param(4, 0.8, id="not-all-of-them"),
        pytest.param(None, "tracefs cannot be used: it is of paper", id="unknown"),
    ],
)
def test_icr_writes_as_the_host_traced_them_are_a_fact(
    paper: Paper, writes: int | None, expected: object
) -> None:
    """Of an iteration, in an audit that is not timed; or why it is unknown."""
    paper.writes = writes
    loaded = paper.booted().load(task_of())
    found = [loaded.run(loops=1, warmup=0).facts["icr_writes_traced"] for _ in "12"]

    assert found == [expected, expected]


def test_targets_that_run_do_so_from_the_first_slice_to_the_last(paper: Paper) -> None:
    """Idle CPUs spin in the audit and in each slice, and all but the sources know it first."""
    task = task_of(burst(0, 1), burst(2, 3), target_state="running")
    paper.booted().load(task).run(loops=10, warmup=5)

    assert paper.slices[1:] == [(5, False, mailbox.RUNNING), (10, False, mailbox.RUNNING)]
    assert (paper.settled, paper.box.idle) == ([(1, 3), (1, 3)], mailbox.HALTED)


def test_halted_targets_need_no_word(paper: Paper) -> None:
    """It is what idle CPUs do."""
    paper.booted().load(task_of()).run(loops=10, warmup=0)

    assert (paper.settled, paper.slices[-1]) == ([], (10, False, mailbox.HALTED))


def test_no_target_runs_on_when_a_slice_fails(paper: Paper) -> None:
    """A spinning guest keeps a CPU of the host."""
    booted = paper.booted()
    paper.fails = GuestError("it is lost")
    with pytest.raises(GuestError, match="it is lost"):
        booted.load(task_of(target_state="running")).run(loops=1, warmup=0)

    assert paper.slices[-1][2] == mailbox.RUNNING
    assert paper.box.idle == mailbox.HALTED


def test_the_cost_of_the_op_loop_itself_is_told(paper: Paper) -> None:
    """Medians of bursts to nobody, in ticks, made as those of the task are."""
    replayed, called = (
        paper.booted(execution=execution)
        .load(with_algorithm(task_of()))
        .run(loops=1, warmup=0)
        .facts
        for execution in ("ops", "algorithm")
    )

    assert (replayed["null_send_ticks"], replayed["null_irqoff_ticks"]) == (20, 8)
    assert (called["null_send_ticks"], called["null_irqoff_ticks"]) == (21, 9)


def test_what_is_known_of_the_host_stands_beside_it(paper: Paper) -> None:
    """Whatever the delivery tells."""
    facts = (
        paper.booted(source="here", caveat="odd").load(task_of()).run(loops=1, warmup=0).facts
    )

    assert (facts["source"], facts["caveat"]) == ("here", "odd")


def test_the_clock_and_the_counters_are_told(paper: Paper) -> None:
    """How fast it ticks, whether all CPUs' agree, and what KVM counts."""
    facts = paper.booted().load(task_of()).run(loops=1, warmup=0).facts

    assert (facts["tsc_khz"], facts["tsc_offsets"]) == (2_000_000, "equal")
    assert facts["kvm_counters"] == "exits,halt_successful_poll,halt_wakeup,hypercalls"


@pytest.mark.parametrize(
    ("usable", "cpus", "expected"),
    [
        pytest.param(4, (), ("any", "no"), id="as-many"),
        pytest.param(3, (), ("any", "yes"), id="fewer"),
        pytest.param(64, (5, 2), ("5,2", "yes"), id="chosen"),
        pytest.param(1, (0, 1, 2, 3), ("0,1,2,3", "no"), id="chosen-enough"),
    ],
)
def test_more_vcpus_than_host_cpus_are_told(
    paper: Paper,
    monkeypatch: pytest.MonkeyPatch,
    usable: int,
    cpus: tuple[int, ...],
    expected: tuple[str, str],
) -> None:
    """The guest has four, which take turns on fewer."""
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(usable)))
    paper.cpus = cpus
    facts = paper.booted().load(task_of()).run(loops=1, warmup=0).facts

    assert (facts["cpu_list"], facts["overcommitted"]) == expected


def test_the_source_that_waited_most_for_its_cpu_is_told(paper: Paper) -> None:
    """Targets may wait as long as they like."""
    paper.run_ns, paper.wait_ns = (75, 0, 90, 0), (25, 99, 10, 99)
    task = task_of(burst(0, 1), burst(2, 3))

    assert paper.booted().load(task).run(loops=1, warmup=0).facts["source_delay_share"] == 0.25


def test_a_source_of_which_nobody_tells_did_not_wait_for_nothing(paper: Paper) -> None:
    """It never slept, so the kernel has no new figure of its thread."""
    paper.run_ns, paper.wait_ns = (75, 0, 0, 0), (25, 0, 0, 0)
    task = task_of(burst(0, 1), burst(2, 3))
    facts = paper.booted().load(task).run(loops=1, warmup=0).facts

    assert facts["source_delay_share"] == "unknown"


def test_a_dry_run_has_no_source_that_could_wait(paper: Paper) -> None:
    """It sends nothing, and times the loop."""
    paper.result = result_of(samples={"wall": [5] * 10}, handled=handled(0, 0, 0, 0))
    task = task_of(bursts=(), programs=(), reached=())
    result = paper.booted().load(task).run(loops=10, warmup=0)

    assert (result.ticks, result.target_state) == ({"wall": 50}, "halted")
    assert result.facts["source_delay_share"] == 0


@pytest.mark.parametrize(
    ("abi", "told"),
    [
        pytest.param("kvm", None, id="merged"),
        pytest.param("kvm-v3", "the merged KVM_HC_SEND_IPI with min 0", id="v3"),
        pytest.param(
            "kvm-cluster128",
            "the merged KVM_HC_SEND_IPI with min = 128 * cluster",
            id="cluster128",
        ),
    ],
)
def test_what_is_called_instead_is_told(paper: Paper, abi: str, told: str | None) -> None:
    """Of a hypercall that was never merged."""
    booted = paper.booted()
    booted._guest.guest = attrs.evolve(booted._guest.guest, hypercall_abi=abi)  # type: ignore[misc]

    assert booted.load(task_of()).run(loops=1, warmup=0).facts.get("stand_in") == told
