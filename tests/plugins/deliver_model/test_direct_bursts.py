"""
Whole bursts under AVIC, under IPI virtualization and on bare metal, and their counts.

t0 is 10 and the write begins at 32: 20 for the call queue, 2 for the fence.
"""

from __future__ import annotations

import pytest

from pvbench.ops import Burst
from support.helpers import total_ticks
from support.model import (
    call,
    case_of,
    cost_profile_of,
    cpus,
    mask,
    run_case,
)

UNICAST_RUNNING = {"send": 272, "deliver": 622, "ack": 640, "wall": 650}
UNICAST_BLOCKED = {"send": 272, "deliver": 1_122, "ack": 1_140, "wall": 1_150}


@pytest.mark.parametrize(
    ("local_apic", "state", "expected"),
    [
        pytest.param("x2avic", "running", UNICAST_RUNNING, id="avic-running"),
        pytest.param("ipiv", "running", UNICAST_RUNNING, id="ipiv-running"),
        pytest.param("bare", "running", UNICAST_RUNNING, id="bare-running"),
        pytest.param("ipiv", "halted", UNICAST_BLOCKED, id="ipiv-wake-up-vector"),
        pytest.param("bare", "halted", UNICAST_BLOCKED, id="bare-halted"),
    ],
)
def test_a_unicast_without_an_exit_is_written_injected_and_acknowledged(
    local_apic: str, state: str, expected: dict[str, int]
) -> None:
    """It arrives at 282; injection is 300 or 800, entry 50, the handler 13 and the poll 5."""
    case = case_of("x2apic-physical", cpus(4), call(0, 2), state=state)
    _, result = run_case(case, cost_profile_of(local_apic=local_apic))

    assert (expected, 0) == (total_ticks(result), result.counts.exits)


def test_avic_exits_for_a_blocked_target_but_not_for_a_polling_one() -> None:
    """
    First arrival at 982, send until 1582, entered at 1832, acknowledged at 1845.

    The second, sent from 1882 to 2132, finds it polling since 1885: 200 and 50 more.
    """
    case = case_of("x2apic-physical", cpus(4), call(0, 2), state="halted")
    _, result = run_case(case, cost_profile_of(local_apic="x2avic"), loops=2)
    counts = result.counts

    assert (counts.exits, counts.wakeups_blocked, counts.wakeups_polled) == (1, 1, 1)
    assert total_ticks(result) == {
        "send": 1_572 + 272,
        "deliver": 1_822 + 522,
        "ack": 1_840 + 540,
        "wall": 2_400,
    }


@pytest.mark.parametrize(
    ("vcpus", "source", "state", "exits"),
    [
        pytest.param(3, 2, "running", 1, id="for-the-one-that-waits-for-its-turn"),
        pytest.param(3, 1, "running", 1, id="for-one-that-shares-another-host-cpu"),
        pytest.param(2, 1, "running", 0, id="for-no-busy-one-with-a-host-cpu-of-its-own"),
        pytest.param(2, 1, "halted", 1, id="for-the-other"),
        pytest.param(1, 0, "halted", 0, id="for-none"),
    ],
)
def test_avic_does_not_exit_for_a_self_ipi(
    vcpus: int, source: int, state: str, exits: int
) -> None:
    """Without another target that does not run, the write of the ICR does not exit."""
    guest = cpus(vcpus, host_cpus=2)
    burst = Burst(source=source, operation="send_IPI_all")
    case = case_of("shorthand/x2apic-physical", guest, burst, state=state)

    assert exits == run_case(case, cost_profile_of(local_apic="x2avic"))[1].counts.exits


def test_a_source_that_is_a_target_counts_as_running() -> None:
    """CPUs 2 and 3 have the second turn of two host CPUs, but are in their loops."""
    guest = cpus(4, host_cpus=2)
    case = case_of("x2apic-physical", guest, mask(2, 3), mask(3, 2), state="running")

    assert run_case(case, cost_profile_of(local_apic="x2avic"))[1].counts.exits == 0


@pytest.mark.parametrize(
    ("local_apic", "state", "exits"),
    [
        pytest.param("apicv", "running", 6, id="apicv-every-write"),
        pytest.param("ipiv", "running", 0, id="ipiv-no-unicast"),
        pytest.param("ipiv", "halted", 0, id="ipiv-no-unicast-to-blocked-ones"),
        pytest.param("x2avic", "running", 0, id="avic-running"),
        pytest.param("x2avic", "halted", 3, id="avic-once-each-then-they-poll"),
        pytest.param("bare", "halted", 0, id="bare"),
    ],
)
def test_exits_of_a_broadcast_are_counted(local_apic: str, state: str, exits: int) -> None:
    """Three unicast writes, twice."""
    case = case_of("x2apic-physical", cpus(4), call(0, 1, 2, 3), state=state)
    _, result = run_case(case, cost_profile_of(local_apic=local_apic), loops=2)

    assert (exits, 6) == (result.counts.exits, result.counts.icr_writes)


@pytest.mark.parametrize("local_apic", ["apicv", "ipiv", "x2avic"])
def test_a_hypercall_always_exits(local_apic: str) -> None:
    """One exit for each of four broadcasts, whatever the local APIC could have done."""
    case = case_of("kvm-pv/x2apic-physical", cpus(4), call(0, 1, 2, 3))
    _, result = run_case(case, cost_profile_of(local_apic=local_apic), loops=4)

    assert (result.counts.exits, result.counts.hypercalls) == (4, 4)
