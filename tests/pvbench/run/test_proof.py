"""The proof of mechanism, and the conversion of slice results to seconds."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.ops import Burst
from pvbench.run.prepared import Prepared, prepare
from pvbench.run.proof import differences, seconds, ticks_per_second
from pvbench.slice_result import Distribution, PartialSend
from support.helpers import bundled, guest_of
from support.runs import broadcast, case_of, prepared_of, slice_result_of
from support.sessions import NOISY

GUEST_BEYOND_128 = guest_of((0, 1, 128, 129))


@pytest.mark.parametrize(
    ("ticks", "rate", "expected"),
    [
        pytest.param([90, 100, 2_000], 10**12, 100e-12, id="model-picoseconds"),
        pytest.param([2_000, 3_000], 2_500_000_000, 1e-6, id="tsc-of-2.5-GHz"),
        pytest.param([7], 10**12, 7e-12, id="one-burst"),
    ],
)
def test_the_value_of_a_slice_is_the_median_of_its_bursts_in_seconds(
    ticks: list[int], rate: int, expected: float
) -> None:
    """The mean would let one burst that the host delays decide a verdict."""
    result = slice_result_of(distributions={"send": Distribution.of(ticks)})

    assert seconds(result, rate) == {"send": pytest.approx(expected, rel=1e-12)}


def test_a_median_of_no_time_is_refused() -> None:
    """A clock so coarse cannot tell two senders apart; one burst of no time is possible."""
    assert seconds(slice_result_of(distributions={"send": Distribution.of([0, 1, 1])}), 1)

    with pytest.raises(ValueError, match="send took 0 ticks"):
        seconds(slice_result_of(distributions={"send": Distribution.of([0, 0, 9])}), 1)


def test_an_absent_series_gives_no_value() -> None:
    """A burst without wait has no acknowledgement."""
    assert seconds(slice_result_of(distributions={}), 10**12) == {}


def test_counts_that_follow_from_the_ops_are_proof() -> None:
    """Three targets by x2APIC need three ICR writes, handlers and functions a loop."""
    assert differences(prepared_of(), slice_result_of()) == []


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param({"icr_writes": 31}, "ICR writes 31 instead of 30", id="a-write-more"),
        pytest.param({"icr_writes": 29}, "ICR writes 29 instead of 30", id="a-write-less"),
        pytest.param({"hypercalls": 10}, "hypercalls 10 instead of 0", id="a-hypercall"),
        pytest.param({"returned": 30}, "returned 30 instead of 0", id="a-return-value"),
        pytest.param(
            {"handlers": (0, 10, 10, 9)},
            "handler runs on CPU 3: 9 instead of 10",
            id="an-ipi-lost",
        ),
        pytest.param(
            {"handlers": (1, 10, 10, 10)},
            "handler runs on CPU 0: 1 instead of 0",
            id="another-cpu-interrupted",
        ),
        pytest.param(
            {"handlers": (0, 9, 9, 9)},
            "handler runs on CPU 1: 9 instead of 10 (and on 2 more CPUs)",
            id="several-cpus",
        ),
        pytest.param(
            {"functions": (0, 10, 10, 9)},
            "functions run on CPU 3: 9 instead of 10",
            id="a-function-not-called",
        ),
    ],
)
def test_a_wrong_count_is_named(counts: dict[str, Any], expected: str) -> None:
    """Exact counts must be equal; the reason is the first difference."""
    assert differences(prepared_of(), slice_result_of(**counts)) == [expected]


@pytest.mark.parametrize("unknown", ["icr_writes", "hypercalls", "returned"])
def test_an_unknown_count_is_not_a_contradiction(unknown: str) -> None:
    """KVM has no counter of ICR writes, so None means unknown, not 0."""
    assert differences(prepared_of(), slice_result_of(10, **{unknown: None})) == []


def test_a_coalesced_interrupt_is_not_lost() -> None:
    """A send to a CPU with the same vector pending runs no handler of its own."""
    prepared = prepare(case_of("x2apic-physical", broadcast(0), broadcast(1)))
    handlers, coalesced = (10, 10, 18, 20), (0, 0, 2, 0)
    result = slice_result_of(
        icr_writes=60, handlers=handlers, coalesced=coalesced, functions=(10, 10, 20, 20)
    )

    assert differences(prepared, result) == []


def test_interrupts_of_a_source_that_waits_never_coalesce() -> None:
    """Each target has acknowledged before the next burst, so coalescing would be a loss."""
    result = slice_result_of(handlers=(0, 10, 8, 10), coalesced=(0, 0, 2, 0))

    assert differences(prepared_of(), result) == ["coalesced on CPU 2: 2 instead of 0"]


def test_a_hypercall_s_return_value_is_part_of_the_proof() -> None:
    """KVM_HC_SEND_IPI returns the number of IPIs it delivered, here three a loop."""
    prepared = prepared_of("kvm-pv/x2apic-physical")
    right = slice_result_of(icr_writes=0, hypercalls=10, returned=30)
    too_few = slice_result_of(icr_writes=0, hypercalls=10, returned=29)

    assert differences(prepared, right) == []
    assert differences(prepared, too_few) == ["returned 29 instead of 30"]


def test_a_pv_run_without_hypercalls_is_never_a_sample() -> None:
    """The fallback reaches every target but is not the mechanism of the label."""
    prepared = prepared_of("kvm-pv/x2apic-physical")

    assert differences(prepared, slice_result_of())[:2] == [
        "ICR writes 30 instead of 0",
        "hypercalls 0 instead of 10",
    ]


def test_a_partial_send_counts_only_its_own_ops() -> None:
    """CPU 1's list was not empty 4 of 10 times: 2 writes then, else 3; 10 functions each."""
    part = PartialSend(burst=0, cpus=(2, 3), times=4)
    result = slice_result_of(icr_writes=26, handlers=(0, 6, 10, 10), partial=(part,))

    assert differences(prepared_of(), result) == []


def test_a_partial_send_must_be_reported() -> None:
    """Without the report the same counts are a contradiction."""
    result = slice_result_of(icr_writes=26, handlers=(0, 6, 10, 10))

    assert differences(prepared_of(), result) == [
        "ICR writes 26 instead of 30",
        "handler runs on CPU 1: 6 instead of 10",
    ]


def test_counts_of_two_sources_add_up() -> None:
    """Each repeats its burst; CPU 2 and CPU 3 are targets of both."""
    prepared: Prepared = prepare(case_of("x2apic-physical", broadcast(0), broadcast(1)))
    handler_counts = (10, 10, 20, 20)
    result = slice_result_of(icr_writes=60, handlers=handler_counts, functions=handler_counts)

    assert differences(prepared, result) == []


def test_a_bare_burst_calls_no_functions() -> None:
    """Only the call-function protocol has functions to call."""
    bare = Burst(source=0, operation="send_IPI_mask", targets=(1, 2, 3))
    prepared = prepare(case_of("x2apic-physical", bare))

    assert differences(prepared, slice_result_of(functions=(0, 0, 0, 0))) == []


def test_a_lossy_sender_must_lose_exactly_the_targets_that_it_drops() -> None:
    """Delivered interrupts equal targets minus drops; CPUs 2 and 3 have IDs from 128 on."""
    guest = case_of("kvm-pv128-v3/x2apic-physical").stack.guest(GUEST_BEYOND_128)
    prepared = prepare(case_of("kvm-pv128-v3/x2apic-physical", broadcast(), guest=guest))
    handler_counts = (0, 10, 0, 0)
    honest = slice_result_of(
        icr_writes=0,
        hypercalls=10,
        returned=10,
        handlers=handler_counts,
        functions=handler_counts,
    )
    without_loss = slice_result_of(icr_writes=0, hypercalls=10, returned=30)

    assert differences(prepared, honest) == []
    assert "handler runs on CPU 2: 10 instead of 0 (and on 1 more CPUs)" in differences(
        prepared, without_loss
    )


def test_a_clock_without_a_rate_gives_no_seconds() -> None:
    """Neither the clock nor the slice result says how long a tick is."""
    with pytest.raises(ValueError, match="a slice result of clock tsc has no ticks per second"):
        ticks_per_second(slice_result_of(), NOISY)


def test_a_program_is_proved_by_the_faults_that_its_delivery_reports() -> None:
    """Linux decides what the program sends, so its counts contradict nothing."""
    program = attrs.evolve(bundled().workload("broadcast"), is_program=True)
    prepared = prepare(attrs.evolve(case_of("x2apic-physical"), workload=program))
    sent = attrs.evolve(slice_result_of().counts, icr_writes=5, handlers=(), functions=())
    result = attrs.evolve(slice_result_of(), counts=sent)

    assert differences(prepared, result) == []
    assert differences(prepared, attrs.evolve(result, faults=["void"])) == ["void"]
