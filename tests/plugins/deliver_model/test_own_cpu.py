"""Sources that interrupt themselves or return before a handler took their call."""

from __future__ import annotations

from pvbench.ops import Burst
from support.helpers import total_ticks
from support.model import call, case_of, cost_profile_of, cpus, run_case, times


def test_a_source_takes_no_interrupt_until_its_send_is_over() -> None:
    """
    Its own interrupt arrives at 1121, the send ends at 4222: 350 later.

    4212 are fence 2, irq 1, scan 8, two sends of 2100, irq 1.
    """
    burst = Burst(source=0, operation="send_IPI_all")

    ticks = times(case_of("x2apic-physical", cpus(2), burst))

    assert (ticks["send"], ticks["deliver"]) == (4_212, 4_562)


def test_a_source_continues_to_poll_after_its_own_handler() -> None:
    """It enters at 4572 and leaves 53 later; acknowledgements are there by then."""
    burst = Burst(source=0, operation="send_IPI_all")

    ticks = times(case_of("x2apic-physical", cpus(2), burst))

    assert (ticks["ack"], ticks["wall"]) == (4_615, 4_625)


def test_a_source_never_halts() -> None:
    """To itself it needs no wake-up: 8 for the send, 350 to the handler."""
    burst = Burst(source=0, operation="send_IPI_self")
    _, result = run_case(case_of("x2apic-physical", cpus(2), burst, state="halted"))

    assert (
        total_ticks(result)["deliver"],
        result.counts.wakeups_polled,
        result.counts.wakeups_blocked,
    ) == (358, 0, 0)


def test_a_source_does_not_send_while_it_is_in_a_handler() -> None:
    """It sends at 18, is in the handler from 368 to 421, and only then sends again."""
    burst = Burst(source=0, operation="send_IPI_self", wait=False)
    _, result = run_case(case_of("x2apic-physical", cpus(2), burst), loops=2)

    counts = result.counts
    assert (total_ticks(result)["deliver"], counts.handlers, counts.coalesced) == (
        716,
        (2, 0),
        (0, 0),
    )


def test_a_call_waits_until_its_previous_entries_are_taken() -> None:
    """
    csd_lock(): the handler is entered at 4182, the source is back at 2132.

    From its t0 at 2142 the second send ends at 4182 + 2122, its handler is entered at
    8354; the third is as far behind.
    """
    case = case_of("x2apic-physical", cpus(4), call(0, 1, wait=False))
    _, result = run_case(case, cost_profile_of(posted_notification=3_000), loops=3)

    assert total_ticks(result) == {
        "send": 2_122 + 2 * 4_162,
        "deliver": 4_172 + 2 * 6_212,
        "wall": 2_132 + 2 * 4_172,
    }


def test_a_single_source_sees_only_empty_call_queues() -> None:
    """Its own entries were taken before: each call is an interrupt."""
    case = case_of("x2apic-physical", cpus(4), call(0, 1, wait=False))
    _, result = run_case(case, cost_profile_of(posted_notification=3_000), loops=3)

    counts = result.counts
    assert (
        counts.handlers,
        counts.functions,
        counts.icr_writes,
        result.partial,
    ) == ((0, 3, 0, 0), (0, 3, 0, 0), 3, ())


def test_a_call_queue_is_tested_at_the_time_of_the_call() -> None:
    """
    Entered at 9172, before the next t0 at 12122: the list is empty again.

    Each of three bursts takes 4172 from its t0; no time is negative.
    """
    case = case_of("x2apic-physical", cpus(4), call(0, 1, wait=False))
    cost_profile = cost_profile_of(posted_notification=3_000, loop_overhead=5_000)
    _, result = run_case(case, cost_profile, loops=3)

    assert (total_ticks(result)["deliver"], result.counts.icr_writes) == (12_516, 3)
