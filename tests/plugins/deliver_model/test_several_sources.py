"""
Several sources at once: order of events, call queues, sources that are targets.

A unicast call sends for 2122 from its t0 at 10: it arrives at 1132, is entered
at 1482, acknowledged at 1495.  See `support.model.ROUND`.
"""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.ops import Burst, Program
from pvbench.run.prepared import prepare
from pvbench.run.proof import differences
from pvbench.slice_result import PartialSend
from pvbench_deliver_model.cost_file import read
from pvbench_deliver_model.engine import Engine
from pvbench_deliver_model.several import Pauses
from support.helpers import bundled, guest_of, total_ticks
from support.model import call, case_of, cost_profile_of, cpus, mask, run_case, times


def test_a_call_is_piggybacked_on_an_interrupt_in_flight() -> None:
    """
    CPU 1 finds the list of CPU 2 filled by CPU 0 and sends nothing.

    Its function runs second, 1495 + 7, and it polls once: 1507, so 1497 from
    its t0; CPU 0 is back at 2132 and polls once.
    """
    ticks = times(case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 2)))

    assert ticks == {
        "send": 2_122,
        "deliver": 1_472 + 1_472,
        "ack": 2_127 + 1_497,
        "wall": 2_137 + 1_507,
        "makespan": 2_137,
    }


def test_one_handler_runs_all_piggybacked_calls() -> None:
    """Two requests, one interrupt, nothing coalesced in the local APIC."""
    counts = run_case(case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 2)))[1].counts

    assert (
        counts.handlers,
        counts.functions,
        counts.coalesced,
        counts.icr_writes,
    ) == ((0, 0, 1, 0), (0, 0, 2, 0), (0, 0, 0, 0), 1)


@pytest.mark.parametrize(
    ("first", "second"), [pytest.param(0, 1, id="up"), pytest.param(3, 1, id="down")]
)
def test_simultaneous_bursts_start_in_the_order_of_the_task(first: int, second: int) -> None:
    """Order is data: (time, place in the task); CPU numbers play no part."""
    case = case_of("x2apic-physical", cpus(4), call(first, 2), call(second, 2))

    partial = run_case(case)[1].partial

    assert (PartialSend(burst=1, cpus=(), times=1),) == partial


def test_lists_are_empty_again_once_the_handler_was_entered() -> None:
    """CPU 1 is back at 1507, CPU 2 was entered at 1482: it sends, CPU 0 piggybacks."""
    case = case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 2))
    _, result = run_case(case, loops=2)

    assert (
        (
            PartialSend(burst=0, cpus=(), times=1),
            PartialSend(burst=1, cpus=(), times=1),
        ),
        2,
        4,
    ) == (result.partial, result.counts.handlers[2], result.counts.functions[2])


def test_ops_for_fewer_targets_are_requested_by_burst_and_cpus() -> None:
    """CPU 2's list is taken, CPU 3's is not: the second burst is a unicast to 3."""
    prepared = prepare(case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 2, 3)))
    requests: list[tuple[int, tuple[int, ...]]] = []

    def program_for(burst: int, targets: tuple[int, ...]) -> Program:
        requests.append((burst, targets))
        return prepared.subset(burst, targets).program

    task = attrs.evolve(prepared.task, program_for=program_for)
    Engine(prepared.case.guest, cost_profile_of()).load(task).run(loops=1, warmup=0)

    assert requests == [(1, (3,))]


def test_a_partial_send_costs_only_its_own_ops() -> None:
    """Two entries take 40, then a unicast follows: 2142, and two polls behind it."""
    case = case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 2, 3))

    ticks = times(case)

    assert (ticks["send"], ticks["ack"]) == (2_122 + 2_142, 2_127 + 2_152)


def test_sources_with_different_targets_are_independent() -> None:
    """Each takes as long as alone, at the same time."""
    ticks = times(case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 3)))

    assert ticks == {
        "send": 4_244,
        "deliver": 2_944,
        "ack": 4_254,
        "wall": 4_274,
        "makespan": 2_137,
    }


@pytest.mark.parametrize("state", ["running", "halted"])
def test_sources_that_call_each_other_take_no_interrupt_while_they_send(state: str) -> None:
    """
    Both send until 2132; then 350 to the handler, entered at 2482.

    Acknowledged at 2495; each is out of its own handler at 2535.
    """
    case = case_of("x2apic-physical", cpus(4), call(0, 1), call(1, 0), state=state)

    assert times(case, loops=3) == {
        "send": 6 * 2_122,
        "deliver": 6 * 2_472,
        "ack": 6 * 2_525,
        "wall": 6 * 2_535,
        "makespan": 3 * 2_535,
    }


def test_a_source_that_is_a_target_is_delayed_by_its_handler() -> None:
    """CPU 1 has its own acknowledgement at 1495, but is in a handler until 2535."""
    ticks = times(case_of("x2apic-physical", cpus(4), call(0, 1), call(1, 2)))

    assert (ticks["deliver"], ticks["ack"]) == (2_472 + 1_472, 2_490 + 2_525)


def test_the_same_vector_from_two_sources_coalesces() -> None:
    """Both arrive at 1117; a bare send looks at no list."""
    _, result = run_case(case_of("x2apic-physical", cpus(4), mask(0, 2), mask(1, 2)))

    counts = result.counts
    assert (
        counts.handlers,
        counts.coalesced,
        total_ticks(result)["deliver"],
    ) == ((0, 0, 1, 0), (0, 0, 1, 0), 2 * 1_457)


def test_two_vectors_from_two_sources_are_handled_one_after_the_other() -> None:
    """The first handler ends at 1520; the second is entered at 1570."""
    case = case_of("x2apic-physical", cpus(4), mask(0, 2), mask(1, 2, vector=0xFD))
    _, result = run_case(case)

    assert (result.counts.handlers, total_ticks(result)["deliver"]) == (
        (0, 0, 2, 0),
        1_457 + 1_560,
    )


def test_interrupts_are_accepted_in_order_of_arrival_not_of_sources() -> None:
    """
    CPU 2 is sent to by the second source, but wants the lock first, at 1473.

    CPU 1 wants it at 1477 and CPU 3 at 3577; releases are 9000 apart.
    """
    case = case_of("x2apic-physical", cpus(5), mask(0, 1, 3, lock=True), mask(4, 2, lock=True))

    ticks = times(case, cost_profile_of(lock_handover=9_000))

    assert ticks["ack"] == 19_475 + 2_113


def test_bare_sends_and_calls_may_run_at_the_same_time() -> None:
    """Functions are counted for the calls, handlers for both."""
    case = case_of("x2apic-physical", cpus(6), call(0, 2, 3), mask(1, 3, 4))
    prepared, result = run_case(case, loops=3)

    assert (differences(prepared, result), result.counts.functions) == ([], (0, 0, 3, 3, 0, 0))


@pytest.mark.parametrize("warmup", [0, 2])
def test_the_makespan_is_from_the_common_start_to_the_last_end(warmup: int) -> None:
    """Two iterations of 2137 run beside two of 8449; after a warm-up both start anew."""
    guest = guest_of(range(8))
    burst = Burst(source=0, operation="smp_call_function_single", targets=(1,))
    other = mask(2, 3, 4, 5, 6)

    ticks = times(case_of("x2apic-physical", guest, burst, other), loops=2, warmup=warmup)

    assert ticks["makespan"] == 2 * (10 + 2 + 1 + 16 + 8_400 + 1 + 4 * 5)


def test_calls_that_lose_a_target_are_proved_for_the_others() -> None:
    """
    Patch v3 drops APIC ID 128, CPU 2, which both sources call.

    The second finds CPU 3's list taken; a unicast to CPU 2 alone would be native.
    """
    guest = guest_of((0, 1, 128, 2))
    case = case_of("kvm-pv128-v3/x2apic-physical", guest, call(0, 2, 3), call(1, 2, 3))
    prepared, result = run_case(case, loops=2)

    assert differences(prepared, result) == []


def test_a_source_is_delayed_by_a_handler_that_interrupts_its_polling() -> None:
    """
    CPU 7 would have its last acknowledgement at 10529, after the lock.

    But CPU 0's fourth send arrives at 7429, and that handler is over at 27792.
    """
    burst, other = call(7, 1, 2, lock=True), mask(0, 3, 4, 5, 7, wait=False)
    cost_profile = cost_profile_of(lock_handover=9_000, interrupt_exit=20_000)

    ticks = times(case_of("x2apic-physical", cpus(8), burst, other), cost_profile)

    assert ticks["ack"] == 27_782


def test_a_call_queue_goes_from_one_sender_to_the_next() -> None:
    """CPU 1 gets CPU 2's queue 7 after CPU 0 did, so its unicast to CPU 3 leaves 7 later."""
    case = case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 2, 3))

    ticks = times(case, cost_profile_of(queue_handover=7))

    assert (ticks["send"], ticks["ack"]) == (2_122 + 2_149, 2_127 + 2_159)


def test_sources_that_share_a_call_queue_pause_between_their_bursts() -> None:
    """
    An iteration takes 2137 alone, of which the pauses are 0.618 and 0.236.

    CPU 1 begins at 504 and CPU 0 at 1320; CPU 2 enters its handler at 1986, acknowledges
    at 1999, and CPU 0's call 7 later.  The times do not include the pauses.
    """
    case = case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 2))
    _, result = run_case(case, cost_profile_of(stagger=1))

    assert result.partial == (PartialSend(burst=0, cpus=(), times=1),)
    assert total_ticks(result)["wall"] == 2_137 + (1_999 + 7 + 5 - 1_320)


def test_a_call_to_a_cpu_whose_handler_was_entered_sends_an_interrupt() -> None:
    """The pauses are longer than the way of an interrupt, so nothing is piggybacked."""
    case = case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 2))
    _, result = run_case(case, cost_profile_of(stagger=9))

    assert (result.partial, result.counts.handlers) == ((), (0, 0, 2, 0))
    assert total_ticks(result)["makespan"] == 2_137


@pytest.mark.parametrize("stagger", [0, 1])
def test_sources_without_a_common_target_do_not_pause(stagger: int) -> None:
    """Nothing depends on when they start."""
    case = case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 3))
    apart, together = (
        run_case(case, cost_profile_of(stagger=value), loops=3)[1] for value in (stagger, 0)
    )

    assert apart == together


def test_sixteen_shootdowns_do_not_cost_what_one_costs() -> None:
    """Most of their calls are piggybacked, on interrupts of several senders."""
    guest = guest_of(range(64))
    profile = read("skylake-fastpath")
    medians, hypercalls = [], []
    for sources in (1, 16):
        bursts = bundled().workload(f"shootdown:{sources}").bursts_in(guest)
        assert not isinstance(bursts, str)
        case = case_of("kvm-pv/x2apic-cluster", guest, *bursts, state="halted")
        prepared, result = run_case(case, profile, loops=20, warmup=10)
        assert differences(prepared, result) == []
        medians.append(result.distributions["wall"].median)
        hypercalls.append(result.counts.hypercalls or 0)

    assert medians[1] < 0.9 * medians[0]
    assert 4 * 20 < hypercalls[1] < 16 * 20


@given(st.integers(1, 200))
def test_pauses_are_even(count: int) -> None:
    """Each tenth of the longest pause has a tenth of them, but for two."""
    pauses = Pauses(1000)
    tenths = [pauses.next() // 100 for _ in range(count)]

    assert all(abs(tenths.count(tenth) - count / 10) < 2.1 for tenth in range(10))
