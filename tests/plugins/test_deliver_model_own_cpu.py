"""A source that interrupts itself, or comes back before its call was worked off."""

from __future__ import annotations

from model_helpers import call, case_of, cpus, profile_of, run_case, times
from pvbench.ops import Burst
from pvbench.trace import PartialSend


def test_a_source_is_deaf_until_its_send_is_over() -> None:
    """
    Its own interrupt arrives at 1121, the send ends at 4222: 350 later.

    4212 are fence 2, irq 1, scan 8, two sends of 2100, irq 1.
    """
    burst = Burst(source=0, operation="send_IPI_all")

    found = times(case_of("x2apic-physical", cpus(2), burst))

    assert (found["send"], found["deliver"]) == (4_212, 4_562)


def test_a_source_polls_on_when_its_own_handler_is_over() -> None:
    """Entered at 4572, over at 4572 + 53; acknowledgements are there by then."""
    burst = Burst(source=0, operation="send_IPI_all")

    found = times(case_of("x2apic-physical", cpus(2), burst))

    assert (found["ack"], found["wall"]) == (4_615, 4_625)


def test_a_source_never_halts() -> None:
    """To itself it needs no wake-up: 38 for the send, 350 to the handler."""
    burst = Burst(source=0, operation="send_IPI_self")
    _, trace = run_case(case_of("x2apic-physical", cpus(2), burst, state="halted"))

    assert (
        trace.ticks["deliver"],
        trace.counts.wakeups_polled,
        trace.counts.wakeups_blocked,
    ) == (388, 0, 0)


def test_a_source_does_not_send_on_while_it_is_in_its_own_handler() -> None:
    """Sent at 48, handled from 398 to 451, and only then sent again."""
    burst = Burst(source=0, operation="send_IPI_self", wait=False)
    _, trace = run_case(case_of("x2apic-physical", cpus(2), burst), loops=2)

    counts = trace.counts
    assert (trace.ticks["deliver"], counts.handlers, counts.coalesced) == (776, (2, 0), (0, 0))


def test_a_call_list_that_is_not_empty_is_joined_without_a_send() -> None:
    """
    The handler is entered at 4182; the source is back at 2132 and 2162.

    From each t0 that is 4172, 2040 and 2010.
    """
    case = case_of("x2apic-physical", cpus(4), call(0, 1, wait=False))
    _, trace = run_case(case, profile_of(posted_notification=3_000), loops=3)

    assert trace.ticks == {"send": 2_122, "deliver": 8_222, "wall": 2_192}


def test_a_call_list_joined_is_worked_off_by_one_handler() -> None:
    """Three functions, one interrupt; two sends to nobody are reported."""
    case = case_of("x2apic-physical", cpus(4), call(0, 1, wait=False))
    _, trace = run_case(case, profile_of(posted_notification=3_000), loops=3)

    counts = trace.counts
    assert ((0, 1, 0, 0), (0, 3, 0, 0), 1, (PartialSend(burst=0, cpus=(), times=2),)) == (
        counts.handlers,
        counts.functions,
        counts.icr_writes,
        trace.partial,
    )


def test_a_call_list_is_looked_at_when_the_call_is_made() -> None:
    """
    Entered at 9172, before the next t0 at 12122: the list is empty again.

    Each of three bursts takes 4172 from its t0; no time is negative.
    """
    case = case_of("x2apic-physical", cpus(4), call(0, 1, wait=False))
    profile = profile_of(posted_notification=3_000, loop_overhead=5_000)
    _, trace = run_case(case, profile, loops=3)

    assert (trace.ticks["deliver"], trace.counts.icr_writes) == (12_516, 3)
