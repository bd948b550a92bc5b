"""
Which series a burst has: return values, losses and bursts without wait.

Costs are those of `support.model.ROUND`; a bare send to one CPU takes 2108.
"""

from __future__ import annotations

import pytest

from support.helpers import guest_of, total_ticks
from support.model import call, case_of, cost_profile_of, cpus, mask, run_case, times


def test_a_distribution_is_of_single_bursts() -> None:
    """All are served by one handler at 6167, from t0 at 10, 2128 and 4246."""
    case = case_of("x2apic-physical", cpus(4), mask(0, 1, wait=False))
    _, result = run_case(case, cost_profile_of(posted_notification=5_000), loops=3)

    times = result.distributions["deliver"]
    assert (times.minimum, times.median, times.maximum) == (1_921, 4_039, 6_157)
    assert (times.samples, times.total) == (3, 1_921 + 4_039 + 6_157)


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        pytest.param("kvm-pv/x2apic-physical", (4, 10), id="kvm-counts-targets"),
        pytest.param("hyperv-ipi/x2apic-physical", (2, 0), id="hyperv-returns-success"),
        pytest.param("xen-evtchn/x2apic-physical", (10, 0), id="xen-returns-0-for-each"),
    ],
)
def test_return_values_of_hypercalls_are_summed(stack: str, expected: tuple[int, int]) -> None:
    """There are five targets in two windows, twice."""
    guest = guest_of((0, 1, 2, 3, 200, 201))

    counts = run_case(case_of(stack, guest, call(0, 1, 2, 3, 4, 5)), loops=2)[1].counts

    assert expected == (counts.hypercalls, counts.returned)


def test_a_lossy_burst_has_no_acknowledgement_series() -> None:
    """APIC ID 128 is dropped: one hypercall, 40 + 1 + 8 + 1100 + 1, and no more."""
    guest = guest_of((0, 1, 128, 2))
    case = case_of("kvm-pv128-v3/x2apic-physical", guest, call(0, 1, 2))

    _, result = run_case(case)

    assert (
        total_ticks(result),
        result.counts.handlers,
    ) == ({"send": 1_150, "irqoff": 1_110}, (0, 1, 0, 0))


def test_a_lossy_burst_is_repeated_after_its_handlers_end() -> None:
    """Handlers never coalesce with the next burst, which would look like further loss."""
    guest = guest_of((0, 1, 128, 2))
    case = case_of("kvm-pv128-v3/x2apic-physical", guest, call(0, 1, 2))

    counts = run_case(case, cost_profile_of(posted_notification=5_000), loops=3)[1].counts

    assert (counts.handlers, counts.coalesced) == ((0, 3, 0, 0), (0, 0, 0, 0))


@pytest.mark.parametrize(
    ("notification", "expected"),
    [
        # arrivals at 1117, 3235 and 5353; the first handler is entered at 6167
        pytest.param(5_000, (12_117, 1, 2), id="still-pending"),
        # entered at 1467, 3585 and 5703
        pytest.param(300, (4_371, 3, 0), id="already-entered"),
    ],
)
def test_a_bare_send_without_wait_may_coalesce_with_its_predecessor(
    notification: int, expected: tuple[int, int, int]
) -> None:
    """One burst starts every 2118, and there is no acknowledgement."""
    case = case_of("x2apic-physical", cpus(4), mask(0, 1, wait=False))
    cost_profile = cost_profile_of(posted_notification=notification)

    _, result = run_case(case, cost_profile, loops=3)

    counts = result.counts
    coalesced = counts.coalesced or ()
    assert expected == (total_ticks(result)["deliver"], counts.handlers[1], coalesced[1])


def test_without_wait_there_is_no_ack_and_the_drain_is_outside() -> None:
    """2 + 1 + 4 + 2100 + 1 for the send, 10 for the loop."""
    ticks = times(case_of("x2apic-physical", cpus(4), mask(0, 1, wait=False)), loops=3)

    assert ticks == {"send": 6_324, "irqoff": 6_318, "deliver": 4_371, "wall": 6_354}
