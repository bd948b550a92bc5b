"""
AVIC: targets that do not run cost one exit for each ICR write.

Costs are those of `support.model.ROUND`: direct ICR write 250, each further target 30;
AVIC's exit 1200, half of it before the first of its targets, 100 each.  All begin at 1000.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from pvbench.ops import Op, WrMsr
from pvbench_deliver_model.sending import Sending
from pvbench_deliver_model.targets import Targets
from support.model import (
    ALL_BUT_SELF,
    NMI_TO_CPU_2,
    PV_CALL,
    TO_CLUSTER,
    TO_CPU_2,
    TO_CPU_3,
    accepted,
    cost_profile_of,
    cpus,
    served,
)

Hits = list[tuple[int, int]]

TO_CPU_1 = WrMsr(0x830, 1 << 32 | 0xFC)
TO_NOBODY = WrMsr(0x830, 9 << 32 | 0xFC)
TO_2 = [(1_250, 2)]
TO_123 = [(1_250, 1), (1_280, 2), (1_310, 3)]


def avic(
    state: str,
    *ops: Op,
    start: int = 1_000,
    polling: Iterable[int] = (),
    host_cpus: int | None = None,
    **cost_profile: Any,
) -> tuple[int, int, Hits]:
    """
    (end, exits, interrupts) of the ops on CPU 0 of four.

    Those *polling* were woken at 100, went back at 1003 and poll until 6003.
    """
    guest, used = (
        cpus(4, host_cpus=host_cpus),
        cost_profile_of(local_apic="avic", **cost_profile),
    )
    targets = Targets(guest, used, state)
    for cpu in polling:
        accepted(targets, [(100, cpu)])
    line = Sending(guest, 0, used, targets).run(ops, start)
    return line.end, line.exits, served(line)


@pytest.mark.parametrize(
    ("op", "polling", "expected"),
    [
        pytest.param(TO_CPU_2, (), (2_550, 1, [(1_950, 2)]), id="one-blocked"),
        pytest.param(TO_CPU_2, (2,), (1_250, 0, TO_2), id="one-polling"),
        pytest.param(
            TO_CLUSTER, (), (2_810, 1, [(2_010, 1), (2_110, 2), (2_210, 3)]), id="all-blocked"
        ),
        pytest.param(
            TO_CLUSTER,
            (2,),
            (2_710, 1, [(1_280, 2), (2_010, 1), (2_110, 3)]),
            id="the-middle-one-polls",
        ),
        pytest.param(
            TO_CLUSTER,
            (1, 2),
            (2_610, 1, [(1_250, 1), (1_280, 2), (2_010, 3)]),
            id="the-last-one-is-blocked",
        ),
        pytest.param(TO_CLUSTER, (1, 2, 3), (1_310, 0, TO_123), id="all-polling"),
        pytest.param(
            ALL_BUT_SELF,
            (1,),
            (2_710, 1, [(1_250, 1), (2_010, 2), (2_110, 3)]),
            id="all-but-self",
        ),
    ],
)
def test_one_exit_wakes_all_blocked_targets_after_the_running_ones(
    op: Op, polling: tuple[int, ...], expected: tuple[int, int, Hits]
) -> None:
    """
    Doorbells first: hardware sets every IRR bit, 30 each, and exits once.

    600 into the exit and 100 for each it wakes; then 600 back.
    """
    assert expected == avic("halted", op, polling=polling)


@pytest.mark.parametrize(
    ("share", "arrival"), [pytest.param(0, 1_350, id="none"), pytest.param(1, 2_550, id="all")]
)
def test_the_entry_share_moves_the_wake_up_but_not_the_end(share: float, arrival: int) -> None:
    """1200 of AVIC's exit and 100 for the target, however they are split."""
    expected = 2_550, 1, [(arrival, 2)]

    assert expected == avic("halted", TO_CPU_2, exit_entry_share=share)


@pytest.mark.parametrize(
    ("start", "exits"),
    [
        pytest.param(5_753, 0, id="last-instant-of-its-window"),
        pytest.param(5_754, 1, id="window-just-over"),
    ],
)
def test_a_target_counts_as_running_while_it_polls(start: int, exits: int) -> None:
    """KVM polls before it blocks the vCPU: until 6003; the write takes 250."""
    assert exits == avic("halted", TO_CPU_2, start=start, polling=(2,))[1]


@pytest.mark.parametrize(
    ("op", "polling", "expected"),
    [
        pytest.param(TO_CPU_2, (2,), (2_550, 1, TO_2), id="one-polling"),
        pytest.param(TO_CPU_2, (), (2_550, 1, [(1_950, 2)]), id="one-blocked"),
        pytest.param(
            TO_CLUSTER,
            (2,),
            (2_810, 1, [(1_280, 2), (2_010, 1), (2_210, 3)]),
            id="the-middle-one-polls",
        ),
        pytest.param(TO_CLUSTER, (1, 2, 3), (2_810, 1, TO_123), id="all-polling"),
    ],
)
def test_before_5_17_a_target_that_polls_costs_an_exit_but_does_not_wait_for_it(
    op: Op, polling: tuple[int, ...], expected: tuple[int, int, Hits]
) -> None:
    """KVM has marked it as not running, and sees the bit that the processor sets."""
    assert expected == avic("halted", op, polling=polling, host_linux="5.16")


@pytest.mark.parametrize(
    ("host_linux", "exits"), [("5.3", 0), ("5.4", 1), ("5.16", 1), ("5.17", 0)]
)
def test_from_5_4_to_5_16_kvm_blocks_a_vcpu_before_it_polls(
    host_linux: str, exits: int
) -> None:
    """Only then is a vCPU that KVM polls for no running one."""
    assert exits == avic("halted", TO_CPU_2, polling=(2,), host_linux=host_linux)[1]


def test_a_target_in_its_handler_runs_also_before_5_17() -> None:
    """It was woken at 100 and is in the guest until 1003; the write serves it at 950."""
    line = avic("halted", TO_CPU_2, polling=(2,), start=700, host_linux="5.16")

    assert line == (950, 0, [(950, 2)])


@pytest.mark.parametrize(
    ("ops", "polling", "expected"),
    [
        pytest.param(
            (TO_CPU_3, TO_CPU_2), (), (4_100, 2, [(1_950, 3), (3_500, 2)]), id="both-blocked"
        ),
        pytest.param(
            (TO_CPU_3, TO_CPU_2), (2,), (2_800, 1, [(1_950, 3), (2_800, 2)]), id="first-blocked"
        ),
        pytest.param(
            (TO_CPU_3, TO_CPU_2),
            (3,),
            (2_800, 1, [(1_250, 3), (2_200, 2)]),
            id="second-blocked",
        ),
        pytest.param(
            (TO_CPU_3, TO_CPU_2),
            (2, 3),
            (1_500, 0, [(1_250, 3), (1_500, 2)]),
            id="none-blocked",
        ),
        pytest.param(
            (TO_CPU_3, TO_NOBODY, TO_CPU_2),
            (2,),
            (3_050, 1, [(1_950, 3), (3_050, 2)]),
            id="one-in-between-reaches-nobody",
        ),
        pytest.param(
            (NMI_TO_CPU_2, TO_CPU_3),
            (),
            (4_650, 2, [(2_100, 2), (4_050, 3)]),
            id="an-nmi-before-it",
        ),
        pytest.param(
            (PV_CALL, TO_CLUSTER),
            (2,),
            (
                4_010,
                2,
                [(1_600, 1), (1_700, 2), (1_800, 3), (2_580, 2), (3_310, 1), (3_410, 3)],
            ),
            id="a-hypercall-before-it",
        ),
    ],
)
def test_each_write_with_a_blocked_target_has_its_own_exit(
    ops: tuple[Op, ...], polling: tuple[int, ...], expected: tuple[int, int, Hits]
) -> None:
    """1550 with the exit, 250 without; the next write begins when it has ended."""
    assert expected == avic("halted", *ops, polling=polling)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        pytest.param(
            4_203, (6_003, 1, [(5_153, 3), (6_003, 2)]), id="last-instant-of-its-window"
        ),
        pytest.param(
            4_204,
            (7_304, 2, [(5_154, 3), (6_704, 2)]),
            id="the-exit-before-outlasts-its-window",
        ),
    ],
)
def test_a_target_that_stops_polling_during_an_exit_needs_another_exit(
    start: int, expected: tuple[int, int, Hits]
) -> None:
    """CPU 2 polls until 6003; the write to CPU 3 exits and takes 1550 before it."""
    assert expected == avic("halted", TO_CPU_3, TO_CPU_2, start=start, polling=(2,))


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        pytest.param(TO_CPU_1, (1_250, 0, [(1_250, 1)]), id="in-its-turn"),
        pytest.param(TO_CPU_2, (2_550, 1, [(1_950, 2)]), id="not-in-its-turn"),
        pytest.param(
            TO_CLUSTER, (2_710, 1, [(1_250, 1), (2_010, 2), (2_110, 3)]), id="one-of-three-runs"
        ),
    ],
)
def test_a_preempted_target_does_not_run(op: Op, expected: tuple[int, int, Hits]) -> None:
    """There are two host CPUs: CPUs 0 and 1 have the first turn, until 100000."""
    assert expected == avic("running", op, host_cpus=2)


@pytest.mark.parametrize(
    ("start", "exits"),
    [
        pytest.param(99_749, 0, id="last-instant-of-its-turn"),
        pytest.param(99_750, 1, id="turn-just-over"),
    ],
)
def test_a_time_slice_may_end_while_the_write_is_served(start: int, exits: int) -> None:
    """The interrupt is there 250 after the start."""
    assert exits == avic("running", TO_CPU_1, start=start, host_cpus=2)[1]


def test_a_halted_target_that_shares_a_host_cpu_may_poll() -> None:
    """Host CPUs of a guest of halted vCPUs are idle."""
    assert avic("halted", TO_CPU_2, polling=(2,), host_cpus=2) == (1_250, 0, TO_2)
