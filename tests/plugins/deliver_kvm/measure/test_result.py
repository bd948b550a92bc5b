"""From raw results and KVM's counters to counts, series and target states."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.ops import Burst
from pvbench.slice_result import Distribution, PartialSend, SliceResult
from pvbench_deliver_kvm.vmm import mailbox
from support.kvm_fakes import CPUS, Paper, burst, handled, result_of, task_of

TWO = (burst(0, 1), burst(2, 3))


def traced(paper: Paper, *bursts: Burst, loops: int = 10, **changes: Any) -> SliceResult:
    """What the machine makes of the slice."""
    return paper.booted().load(task_of(*bursts, **changes)).run(loops=loops, warmup=0)


@pytest.mark.parametrize(
    ("changed", "expected", "who"),
    [
        pytest.param({}, 1 + 2 + 4 + 8, "KVM's counter", id="kvm"),
        pytest.param({"counters": ()}, 3, "the guest's own count", id="no-counters"),
        pytest.param(
            {"counters": ("exits",)}, 3, "the guest's own count", id="no-such-counter"
        ),
        pytest.param(
            {"abi": mailbox.HYPERCALL_HYPERV}, 3, "the guest's own count", id="hyper-v"
        ),
    ],
)
def test_hypercalls_are_kvm_s_count_where_it_keeps_one(
    paper: Paper, changed: dict[str, Any], expected: int, who: str
) -> None:
    """Of all CPUs; the guest's own word is no proof where there is a better one."""
    paper.change = {"hypercalls": (1, 2, 4, 8)}
    for name, value in changed.items():
        setattr(paper, name, value)
    result = traced(paper)

    assert (result.counts.hypercalls, result.facts["hypercall_proof"]) == (expected, who)


def test_what_the_guest_counts_is_taken_as_it_is(paper: Paper) -> None:
    """ICR writes, return values, and handler runs by CPU."""
    paper.result = result_of(icr_writes=11, returned=12, handled=handled(0, 7, 8, 9))
    counts = traced(paper).counts

    assert (counts.icr_writes, counts.returned, counts.handlers) == (11, 12, (0, 7, 8, 9))


def test_observed_counts_are_of_who_they_are_about(paper: Paper) -> None:
    """Exits of the sources, wake-ups of the targets."""
    paper.change = {
        "exits": (1, 2, 4, 8),
        "halt_wakeup": (10, 20, 40, 80),
        "halt_successful_poll": (100, 200, 400, 800),
    }
    counts = traced(paper, burst(0, 1, 2), burst(3, 2)).counts

    assert (counts.exits, counts.wakeups_blocked, counts.wakeups_polled) == (9, 60, 600)


def test_other_counters_are_facts_of_an_iteration(paper: Paper) -> None:
    """Of sources and targets, not of those that stand by; what KVM lacks is left out."""
    paper.counters = ("irq_injections", "halt_exits")
    paper.change = {"irq_injections": (1, 20, 400, 0), "halt_exits": (0, 5, 50, 0)}
    facts = traced(paper, burst(0, 1), loops=10).facts

    assert {name: fact for name, fact in facts.items() if name.startswith("kvm_")} == {
        "kvm_counters": "halt_exits,irq_injections",
        "kvm_irq_injections": 2.1,
        "kvm_halt_exits": 0.5,
    }


def test_without_counters_what_they_would_show_is_unknown(paper: Paper) -> None:
    """None is not 0."""
    paper.counters = ()
    result = traced(paper)

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
    paper: Paper,
    bursts: tuple[Burst, ...],
    changes: dict[str, Any],
    expected: tuple[int, ...] | None,
) -> None:
    """Elsewhere a missing handler run may be a loss or a meeting."""
    assert traced(paper, *bursts, **changes).counts.coalesced == expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        pytest.param("send_IPI_mask", (0, 10, 0, 0), id="bare-as-handlers"),
        pytest.param("smp_call_function_many", (0, 5, 6, 7), id="call-lists"),
    ],
)
def test_functions_are_of_the_call_lists(
    paper: Paper, operation: str, expected: tuple[int, ...]
) -> None:
    """A bare interrupt is its own work."""
    paper.result = result_of(handled=handled(0, 10, 0, 0, functions=(0, 5, 6, 7)))

    assert traced(paper, burst(operation=operation)).counts.functions == expected


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
def test_a_series_that_means_nothing_here_does_not_exist(
    paper: Paper, bursts: tuple[Burst, ...], agree: bool, changes: dict[str, Any], series: str
) -> None:
    """Nobody waits for what is lost; stamps of TSCs that differ are no time."""
    paper.tscs_agree = agree
    result = traced(paper, *bursts, **changes)

    assert set(result.ticks) == set(series.split())
    assert set(result.samples) == set(result.distributions) == set(result.ticks)


def test_a_series_is_its_sum_its_number_and_its_spread(paper: Paper) -> None:
    """Of single bursts, in ticks; those without a stamp have none."""
    paper.result = result_of(samples={"send": [*range(200, 0, -1)], "ack": [7], "wall": []})
    result = traced(paper, loops=200)

    assert (result.ticks, result.samples) == (
        {"send": 20_100, "ack": 7},
        {"send": 200, "ack": 1},
    )
    assert result.distributions == {
        "send": Distribution(p50=100, p99=198, maximum=200),
        "ack": Distribution(p50=7, p99=7, maximum=7),
    }


def test_several_sources_have_a_makespan_of_the_whole_slice(paper: Paper) -> None:
    """From the common start to the last end, a burst's share of it being the time."""
    paper.result = result_of(span_ticks=4_321)
    result = traced(paper, *TWO, loops=10)

    assert (result.ticks["makespan"], result.samples["makespan"]) == (4_321, 10)
    assert result.distributions["makespan"].maximum == 4_321


HALF = {"halt_wakeup": (99, 3, 0, 0), "halt_successful_poll": (99, 2, 0, 0)}


@pytest.mark.parametrize(
    ("change", "runs", "state"),
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
def test_targets_were_halted_if_their_halts_say_so(
    paper: Paper, change: dict[str, tuple[int, ...]], runs: int, state: str
) -> None:
    """Nine of ten handler runs began with a wake-up."""
    paper.change = change
    paper.result = result_of(handled=handled(77, runs, 0, 0))

    assert traced(paper).target_state == state


@pytest.mark.parametrize("left", [(), ("halt_wakeup",), ("halt_successful_poll",)])
def test_without_halt_counters_nobody_knows(paper: Paper, left: tuple[str, ...]) -> None:
    """That a target has said it is idle is no proof."""
    paper.counters = left

    assert traced(paper).target_state == "unknown"


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
    paper: Paper, waited: tuple[int, ...], state: str
) -> None:
    """By how long they waited for a host CPU; others may wait."""
    paper.wait_ns = waited
    paper.run_ns = (98, 98, 97, 98)

    assert traced(paper, burst(0, 1, 2), target_state="running").target_state == state


def test_a_spinning_target_that_has_not_run_is_not_told_of(paper: Paper) -> None:
    """Then the kernel keeps no such times."""
    assert traced(paper, target_state="running").target_state == "unknown"


def test_what_went_wrong_are_faults(paper: Paper) -> None:
    """Sources that stopped early, and each CPU that handled what nobody sent."""
    paper.result = result_of(
        troubles=("CPU 1 never acknowledged",),
        handled=handled(0, 10, 0, 0, strange=(0, 2, 0, 1)),
    )

    assert traced(paper).faults == (
        "CPU 1 never acknowledged",
        "CPU 1 handled a vector that nobody sent",
        "CPU 3 handled a vector that nobody sent",
    )


def test_ticks_are_of_the_guest_s_tsc(paper: Paper) -> None:
    """2 GHz here; no wait in the guest is longer than a second."""
    result = traced(paper)

    assert (result.ticks_per_second, result.loops) == (2_000_000_000, 10)
    assert paper.box.limit_ticks == 2_000_000_000


def test_partial_sends_are_passed_on(paper: Paper) -> None:
    """They decide what the counts must be."""
    part = PartialSend(burst=0, cpus=(1,), times=3)
    paper.result = attrs.evolve(paper.result, partial=(part,))

    assert traced(paper).partial == (part,)
