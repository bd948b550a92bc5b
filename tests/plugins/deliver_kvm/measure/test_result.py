"""From raw results and KVM's counters to counts, series, target states and facts."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.ops import Burst
from pvbench.slice_result import Distribution, PartialSend, SliceResult
from pvbench_deliver_kvm.measure.raw_result import RawResult
from pvbench_deliver_kvm.measure.readings import Readings
from pvbench_deliver_kvm.measure.result import Context, slice_result
from support.kvm_raw import (
    COUNTERS,
    CPUS,
    GUEST,
    burst,
    context,
    handled,
    raw_result,
    readings,
    task_of,
)

TWO = (burst(0, 1), burst(2, 3))


def result_of(
    *bursts: Burst,
    loops: int = 10,
    raw: RawResult | None = None,
    change: Readings | None = None,
    measured_in: Context | None = None,
    **changes: Any,
) -> SliceResult:
    """The result of a slice, by default of one burst to CPU 1 in which nothing is odd."""
    return slice_result(
        task_of(*bursts, **changes),
        loops,
        raw or raw_result(),
        change or readings(*COUNTERS),
        measured_in or context(),
    )


@pytest.mark.parametrize(
    ("names", "abi", "expected", "proof"),
    [
        pytest.param(COUNTERS, "kvm", 1 + 2 + 4 + 8, "KVM's counter", id="kvm"),
        pytest.param((), "kvm", 3, "the guest's own count", id="no-counters"),
        pytest.param(("exits",), "kvm", 3, "the guest's own count", id="no-such-counter"),
        pytest.param(COUNTERS, "hyperv", 3, "the guest's own count", id="hyper-v"),
    ],
)
def test_hypercalls_are_counted_by_kvm_where_it_counts_them(
    names: tuple[str, ...], abi: str, expected: int, proof: str
) -> None:
    """The sum over all CPUs.  A guest's own count is weaker evidence."""
    result = result_of(
        change=readings(*names, hypercalls=(1, 2, 4, 8)),
        measured_in=context(guest=attrs.evolve(GUEST, hypercall_abi=abi)),
    )

    assert (result.counts.hypercalls, result.facts["hypercall_proof"]) == (expected, proof)


def test_the_guest_s_counts_are_passed_on() -> None:
    """ICR writes, return values, and handler runs by CPU."""
    raw = raw_result(icr_writes=11, returned=12, handled=handled(0, 7, 8, 9))
    counts = result_of(raw=raw).counts

    assert (counts.icr_writes, counts.returned, counts.handlers) == (11, 12, (0, 7, 8, 9))


def test_exits_are_those_of_sources_and_wakeups_those_of_targets() -> None:
    """CPUs 0 and 3 send to CPUs 1 and 2."""
    change = readings(
        *COUNTERS,
        exits=(1, 2, 4, 8),
        halt_wakeup=(10, 20, 40, 80),
        halt_successful_poll=(100, 200, 400, 800),
    )
    counts = result_of(burst(0, 1, 2), burst(3, 2), change=change).counts

    assert (counts.exits, counts.wakeups_blocked, counts.wakeups_polled) == (9, 60, 600)


def test_other_counters_are_facts_for_each_iteration() -> None:
    """Those of bystanders do not count; a counter that KVM lacks is left out."""
    change = readings(
        "irq_injections",
        "halt_exits",
        irq_injections=(1, 20, 400, 0),
        halt_exits=(0, 5, 50, 0),
    )
    facts = result_of(burst(0, 1), change=change, loops=10).facts

    assert {name: fact for name, fact in facts.items() if name.startswith("kvm_")} == {
        "kvm_counters": "halt_exits,irq_injections",
        "kvm_irq_injections": 2.1,
        "kvm_halt_exits": 0.5,
    }


def test_without_counters_observed_counts_are_unknown() -> None:
    """None is not 0."""
    result = result_of(change=readings())

    assert (result.counts.exits, result.counts.wakeups_blocked) == (None, None)
    assert (result.counts.wakeups_polled, result.facts["kvm_counters"]) == (None, "none")


@pytest.mark.parametrize(
    ("bursts", "changes", "expected"),
    [
        pytest.param((burst(),), {}, (0,) * CPUS, id="one-that-waits"),
        pytest.param((burst(wait=False),), {}, None, id="one-that-does-not"),
        pytest.param(TWO, {}, None, id="two"),
        pytest.param(
            (burst(wait=False),), {"lossy": True}, (0,) * CPUS, id="lossy-waits-for-the-rest"
        ),
        pytest.param(
            (), {"bursts": (), "programs": (), "reached": ()}, (0,) * CPUS, id="dry-run"
        ),
    ],
)
def test_coalesced_is_known_only_where_sends_to_a_target_are_serialised(
    bursts: tuple[Burst, ...], changes: dict[str, Any], expected: tuple[int, ...] | None
) -> None:
    """Elsewhere a missing handler run may be a lost IPI or a coalesced one."""
    assert result_of(*bursts, **changes).counts.coalesced == expected


def test_an_interrupt_that_cannot_have_come_is_a_fault_of_the_host() -> None:
    """No CPU takes an interrupt while interrupts are off; it is no handler run."""
    result = result_of(raw=raw_result(handled=handled(0, 10, 0, 0, impossible=(0, 0, 3, 0))))

    assert result.host_faults == (
        "the emulator delivered an interrupt twice: "
        "CPU 2 took one while its interrupts were off",
    )
    assert (result.faults, result.counts.handlers) == ((), (0, 10, 0, 0))
    assert result_of().host_faults == ()


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        pytest.param("send_IPI_mask", (0, 10, 0, 0), id="bare-as-handlers"),
        pytest.param("smp_call_function_many", (0, 5, 6, 7), id="call-queues"),
    ],
)
def test_functions_are_counted_by_the_call_queues(
    operation: str, expected: tuple[int, ...]
) -> None:
    """A bare IPI has no list; each handler run is one function."""
    raw = raw_result(handled=handled(0, 10, 0, 0, functions=(0, 5, 6, 7)))

    assert result_of(burst(operation=operation), raw=raw).counts.functions == expected


@pytest.mark.parametrize(
    ("bursts", "agree", "changes", "series"),
    [
        pytest.param((burst(),), True, {}, "send deliver ack wall", id="all"),
        pytest.param((burst(),), False, {}, "send ack wall", id="clocks-differ"),
        pytest.param((burst(0, 0),), False, {}, "send deliver ack wall", id="to-itself"),
        pytest.param((burst(),), True, {"lossy": True}, "send", id="lossy"),
        pytest.param(TWO, True, {}, "send deliver ack wall makespan", id="two-sources"),
        pytest.param(TWO, False, {}, "send ack wall", id="two-clocks"),
        pytest.param(
            (burst(0, 0), burst(1, 2)), False, {}, "send ack wall", id="one-of-two-to-itself"
        ),
    ],
)
def test_a_series_without_meaning_is_left_out(
    bursts: tuple[Burst, ...], agree: bool, changes: dict[str, Any], series: str
) -> None:
    """A lost IPI is never acknowledged; a difference of two TSCs may not be a time."""
    result = result_of(*bursts, measured_in=context(tscs_agree=agree), **changes)

    assert set(result.distributions) == set(series.split())


def test_a_series_has_the_distribution_of_its_bursts() -> None:
    """It is in ticks; a series without time stamps does not exist."""
    raw = raw_result(samples={"send": [*range(200, 0, -1)], "ack": [7], "wall": []})
    result = result_of(raw=raw, loops=200)

    assert result.distributions == {
        "send": Distribution.of(range(1, 201)),
        "ack": Distribution.of([7]),
    }


def test_several_sources_have_a_makespan_of_the_whole_slice() -> None:
    """From the common start to the last end; it is divided by the number of bursts."""
    result = result_of(*TWO, raw=raw_result(span_ticks=4_321), loops=10)

    times = result.distributions["makespan"]
    assert (times.total, times.samples) == (4_321, 10)
    assert times.minimum == times.median == times.p99 == times.maximum == times.mean == 432.1


HALF = {"halt_wakeup": (99, 3, 0, 0), "halt_successful_poll": (99, 2, 0, 0)}


@pytest.mark.parametrize(
    ("counters", "runs", "state"),
    [
        pytest.param({"halt_wakeup": (0, 10, 0, 0)}, 10, "halted", id="all-blocked"),
        pytest.param({"halt_successful_poll": (0, 10, 0, 0)}, 10, "halted", id="all-polled"),
        pytest.param(HALF, 5, "halted", id="both-kinds"),
        pytest.param({"halt_wakeup": (0, 9, 0, 0)}, 10, "halted", id="nine-of-ten"),
        pytest.param({"halt_wakeup": (0, 8, 0, 0)}, 10, "preempted", id="eight-of-ten"),
        pytest.param(HALF, 10, "preempted", id="the-source-s-halts-do-not-count"),
        pytest.param({}, 10, "preempted", id="none"),
        pytest.param({}, 0, "halted", id="nothing-to-handle"),
    ],
)
def test_targets_were_halted_if_nine_of_ten_handler_runs_began_with_a_wakeup(
    counters: dict[str, tuple[int, ...]], runs: int, state: str
) -> None:
    """KVM counts a wake-up by halt polling apart from one of a blocked vCPU."""
    raw = raw_result(handled=handled(77, runs, 0, 0))

    assert result_of(raw=raw, change=readings(*COUNTERS, **counters)).target_state == state


@pytest.mark.parametrize("names", [(), ("halt_wakeup",), ("halt_successful_poll",)])
def test_without_both_halt_counters_the_state_is_unknown(names: tuple[str, ...]) -> None:
    """A target that says it is idle proves nothing."""
    assert result_of(change=readings(*names)).target_state == "unknown"


@pytest.mark.parametrize(
    ("waited", "state"),
    [
        pytest.param((0, 0, 0, 0), "running", id="never-waited"),
        pytest.param((500, 2, 0, 500), "running", id="two-per-cent"),
        pytest.param((0, 3, 0, 0), "preempted", id="three-per-cent"),
        pytest.param((0, 0, 3, 0), "preempted", id="any-target"),
    ],
)
def test_targets_were_running_if_their_threads_were(
    waited: tuple[int, ...], state: str
) -> None:
    """Their waits for a host CPU decide; other threads may wait."""
    change = readings(*COUNTERS, ran=(98, 98, 97, 98), waited=waited)

    assert (
        result_of(burst(0, 1, 2), change=change, target_state="running").target_state == state
    )


def test_the_state_of_a_spinning_target_without_times_is_unknown() -> None:
    """The kernel updates the times of a thread only when it is scheduled."""
    assert result_of(target_state="running").target_state == "unknown"


def test_sources_that_stopped_and_unexpected_vectors_are_faults() -> None:
    """Each of them has a sentence."""
    raw = raw_result(
        troubles=("CPU 1 never acknowledged",),
        handled=handled(0, 10, 0, 0, unexpected=(0, 2, 0, 1)),
    )

    assert result_of(raw=raw).faults == (
        "CPU 1 never acknowledged",
        "CPU 1 handled a vector that no burst has",
        "CPU 3 handled a vector that no burst has",
    )


def test_ticks_are_those_of_the_guest_s_tsc() -> None:
    """It runs at 2 GHz here."""
    result = result_of(loops=10)

    assert (result.ticks_per_second, result.loops) == (2_000_000_000, 10)


def test_partial_sends_are_passed_on() -> None:
    """The expected counts depend on them."""
    part = PartialSend(burst=0, cpus=(1,), times=3)

    assert result_of(raw=raw_result(partial=(part,))).partial == (part,)


def test_the_source_that_waited_longest_for_a_host_cpu_is_a_fact() -> None:
    """Targets may wait."""
    change = readings(ran=(75, 0, 90, 0), waited=(25, 99, 10, 99))

    assert (
        result_of(burst(0, 1), burst(2, 3), change=change).facts["source_delay_share"] == 0.25
    )


def test_the_delay_of_sources_is_unknown_if_one_of_them_has_no_times() -> None:
    """It never slept, so the kernel has not updated its thread's times."""
    change = readings(ran=(75, 0, 0, 0), waited=(25, 0, 0, 0))
    facts = result_of(burst(0, 1), burst(2, 3), change=change).facts

    assert facts["source_delay_share"] == "unknown"


def test_a_dry_run_has_no_source_that_could_wait() -> None:
    """It sends nothing, and times the loop."""
    raw = raw_result(samples={"wall": [5] * 10}, handled=handled(0, 0, 0, 0))
    result = result_of(raw=raw, bursts=(), programs=(), reached=())

    assert (result.distributions["wall"].total, result.target_state) == (50, "halted")
    assert result.facts["source_delay_share"] == 0


@pytest.mark.parametrize(
    ("agree", "offsets"), [(True, "equal"), (False, "unknown or different")]
)
def test_the_clock_and_the_counters_are_facts(agree: bool, offsets: str) -> None:
    """The TSC's frequency, whether the TSCs agree, and the names of KVM's counters."""
    facts = result_of(measured_in=context(tscs_agree=agree)).facts

    assert (facts["tsc_khz"], facts["tsc_offsets"]) == (2_000_000, offsets)
    assert facts["kvm_counters"] == "exits,halt_successful_poll,halt_wakeup,hypercalls"


@pytest.mark.parametrize(
    ("usable", "cpus", "expected"),
    [
        pytest.param(4, (), ("any", "no"), id="as-many"),
        pytest.param(3, (), ("any", "yes"), id="fewer"),
        pytest.param(2, (5, 2), ("5,2", "yes"), id="chosen"),
        pytest.param(4, (0, 1, 2, 3), ("0,1,2,3", "no"), id="chosen-enough"),
    ],
)
def test_a_guest_with_more_vcpus_than_host_cpus_is_overcommitted(
    usable: int, cpus: tuple[int, ...], expected: tuple[str, str]
) -> None:
    """The guest has four vCPUs."""
    facts = result_of(measured_in=context(usable_cpus=usable, cpu_list=cpus)).facts

    assert (facts["cpu_list"], facts["overcommitted"]) == expected


def test_other_facts_of_the_context_are_passed_on() -> None:
    """Of the host, of the execution, and of what was measured when the task was loaded."""
    measured_in = context(
        host_facts={"source": "here"}, execution="algorithm", icr_writes_traced=3.0
    )
    facts = result_of(measured_in=measured_in).facts

    assert (facts["source"], facts["execution"]) == ("here", "algorithm")
    assert (facts["icr_writes_traced"], facts["null_send_ticks"]) == (3.0, 20)
