"""
One source: its series and counts, computed by hand.

Every burst starts with 10 of loop; `csd` queues for 20 a target; fence 2, irq 1,
scan 4 a target; an interrupt takes 350 from its arrival to its handler, 13 more
to the acknowledgement; a poll costs 5.  See `support.model.ROUND`.
"""

from __future__ import annotations

from typing import Any

import pytest

from pvbench.ops import Burst
from support.helpers import CURRENT, guest_of, total_ticks
from support.model import call, case_of, cost_profile_of, cpus, run_case, times


def series(
    send: int, deliver: int, ack: int, wall: int, irqoff: int | None = None
) -> dict[str, int]:
    """Ticks by series; a send without local_irq_save() has no irqoff."""
    table = {"send": send, "deliver": deliver, "ack": ack, "wall": wall}
    return table if irqoff is None else table | {"irqoff": irqoff}


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        # 20 + 2 + 2100; 1122 + 350
        pytest.param("x2apic-physical", series(2_122, 1_472, 2_127, 2_137), id="physical"),
        # 20 + 2 + 2125; 1147 + 350
        pytest.param("x2apic-cluster", series(2_147, 1_497, 2_152, 2_162), id="cluster"),
        # 20 + 1 + 8 + 8 + 2500 + 1; 1337 + 350
        pytest.param("xapic-physical", series(2_538, 1_687, 2_543, 2_553, 2_518), id="xapic"),
        # 25 more to a logical destination
        pytest.param("xapic-flat", series(2_563, 1_712, 2_568, 2_578, 2_543), id="flat"),
        # send_IPI is not hooked
        pytest.param("kvm-pv/x2apic-physical", series(2_122, 1_472, 2_127, 2_137), id="kvm-pv"),
        # flat unicast calls send_IPI_mask: 20 + 1 + 4 + 1100 + 1; 625 + 350
        pytest.param("kvm-pv/xapic-flat", series(1_126, 975, 1_131, 1_141, 1_106), id="hooked"),
        # 20 + 4 + 1100; 624 + 350
        pytest.param(
            "hyperv-ipi/x2apic-physical", series(1_124, 974, 1_129, 1_139), id="hyperv"
        ),
        # 20 + 4 + 3 + 1100; 627 + 350
        pytest.param("xen-evtchn/xapic-flat", series(1_127, 977, 1_132, 1_142), id="xen"),
    ],
)
def test_a_function_call_to_one_cpu(stack: str, expected: dict[str, int]) -> None:
    """The target acknowledges before the send ends, so the source polls once."""
    assert expected == times(case_of(stack, cpus(4), call(0, 1)))


@pytest.mark.parametrize(
    ("stack", "options", "expected"),
    [
        # 60 + 2 + 1 + 12 + 3 * 2100 + 1; 60 + 15 + 4200 + 1100 + 350
        pytest.param(
            "x2apic-physical", {}, series(6_376, 5_725, 6_391, 6_401, 6_314), id="physical"
        ),
        # 60 + 2 + 1 + 12 + 2375 + 1; 75 + 1375 + 350
        pytest.param(
            "x2apic-cluster", {}, series(2_451, 1_800, 2_466, 2_476, 2_389), id="cluster"
        ),
        # 60 + 1 + 12 + 3 * 2516 + 1; 73 + 5032 + 16 + 1300 + 350
        pytest.param(
            "xapic-physical", {}, series(7_622, 6_771, 7_637, 7_647, 7_562), id="xapic"
        ),
        # 60 + 1 + 12 + 1300 + 1; 73 + 800 + 350
        pytest.param(
            "kvm-pv/x2apic-physical", {}, series(1_374, 1_223, 1_389, 1_399, 1_314), id="kvm-pv"
        ),
        # 60 + 12 + 1300
        pytest.param(
            "hyperv-ipi/x2apic-physical", {}, series(1_372, 1_222, 1_387, 1_397), id="hyperv"
        ),
        # 60 + 12 + 3 * 1103; 72 + 2206 + 603 + 350
        pytest.param(
            "xen-evtchn/x2apic-physical", {}, series(3_381, 3_231, 3_396, 3_406), id="xen"
        ),
        # 60 + 2 + 2000 + 3 * 109 + 9; 62 + 1327 + 350
        pytest.param(
            "x2apic-physical",
            {"linux": CURRENT},
            series(2_398, 1_739, 2_413, 2_423),
            id="shorthand",
        ),
        # wake-ups of 800: 873 + 850; acknowledged at 1736 + 5
        pytest.param(
            "kvm-pv/x2apic-physical",
            {"state": "halted"},
            series(1_374, 1_723, 1_741, 1_751, 1_314),
            id="kvm-pv-halted",
        ),
    ],
)
def test_a_function_call_to_three_cpus(
    stack: str, options: dict[str, Any], expected: dict[str, int]
) -> None:
    """Senders differ in the sends; the source polls three acknowledgements at the end."""
    assert expected == times(case_of(stack, cpus(4), call(0, 1, 2, 3), **options))


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        # 673, 773, 873 + 750 + 13: the last polled is the last served, 1636 + 5
        pytest.param((0, 1, 2, 3), series(1_374, 1_623, 1_641, 1_651, 1_314), id="ascending"),
        # the first polled is the last served: 1636 + 3 * 5
        pytest.param((3, 2, 1, 0), series(1_374, 1_623, 1_651, 1_661, 1_314), id="descending"),
    ],
)
def test_acknowledgements_are_polled_in_order_of_cpu_numbers(
    ids: tuple[int, ...], expected: dict[str, int]
) -> None:
    """A hypercall serves by APIC ID; kicks make the targets slower than the source."""
    case = case_of("kvm-pv/x2apic-physical", guest_of(ids), call(0, 1, 2, 3))

    assert expected == times(case, cost_profile_of(apicv=False))


def test_the_lock_makes_the_source_wait_for_the_last_holder() -> None:
    """
    It is requested at 1029 and released at 1029, 1929 and 2829; 7 for the function, 5 to poll.
    """
    burst = call(0, 1, 2, 3, lock=True)

    ticks = times(case_of("kvm-pv/x2apic-physical", cpus(4), burst))

    assert series(1_374, 1_223, 2_841, 2_851, 1_314) == ticks


def test_a_call_to_the_own_cpu_sends_no_ipi() -> None:
    """The function starts after 30 and is over after 70."""
    burst = Burst(source=0, operation="smp_call_function_single", targets=(0,))
    _, result = run_case(case_of("x2apic-physical", cpus(4), burst), loops=3)

    assert (total_ticks(result), result.counts.exits) == ({"deliver": 90, "wall": 240}, 0)


def test_a_mask_with_the_caller_does_not_interrupt_the_caller() -> None:
    """smp_call_function_many() skips the caller: 40 + 11 + 2100 + 1100 + 350."""
    ticks = times(case_of("x2apic-physical", cpus(4), call(0, 0, 1, 2)))

    assert ticks["deliver"] == 3_601


def test_an_iteration_without_bursts_costs_the_loop_overhead() -> None:
    """This is Norov's dry run."""
    assert times(case_of("x2apic-physical", cpus(4)), loops=4) == {"wall": 40}


def test_ticks_are_totals_over_all_bursts() -> None:
    """The source is back at 2137 with every target idle again."""
    _, result = run_case(case_of("x2apic-physical", cpus(4), call(0, 1)), loops=3)

    assert (series(6_366, 4_416, 6_381, 6_411), {3}) == (
        total_ticks(result),
        {times.samples for times in result.distributions.values()},
    )


def test_the_warm_up_is_neither_timed_nor_counted() -> None:
    """Only the targets' halt polling keeps its growth."""
    case = case_of("x2apic-physical", cpus(4), call(0, 1), state="halted")
    _, result = run_case(case, loops=2, warmup=1)
    counts = result.counts

    assert (
        total_ticks(result)["deliver"],
        counts.icr_writes,
        counts.handlers[1],
        counts.wakeups_polled,
        counts.wakeups_blocked,
    ) == (2_744, 2, 2, 2, 0)
