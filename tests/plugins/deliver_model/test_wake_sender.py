"""
The sender pays in its exit for each blocked vCPU that KVM wakes there.

Costs are those of `support.model.ROUND`; one wake-up takes 400 more.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pvbench.ops import Hypercall, Op
from pvbench_deliver_model.sending import Sending
from pvbench_deliver_model.targets import Targets
from support.model import (
    PV_CALL,
    TO_CLUSTER,
    TO_CPU_2,
    TO_CPU_3,
    accepted,
    call,
    case_of,
    cost_profile_of,
    cpus,
    served,
    times,
)
from support.runs import Cli

Hits = list[tuple[int, int]]


def sent(
    state: str,
    *ops: Op,
    start: int = 1_000,
    polled: Iterable[int] = (),
    local_apic: str = "apicv",
) -> tuple[int, Hits]:
    """
    (end, interrupts) of the ops on CPU 0 of four.

    Those *polled* were woken at 100, went back at 1003 and are polled for until 6003.
    """
    guest, used = cpus(4), cost_profile_of(local_apic=local_apic, wake_sender=400)
    targets = Targets(guest, used, state)
    for cpu in polled:
        accepted(targets, [(100, cpu)])
    line = Sending(guest, 0, used, targets).run(ops, start)
    return line.end, served(line)


@pytest.mark.parametrize(
    ("op", "polled", "expected"),
    [
        pytest.param(TO_CPU_2, (), (3_500, [(2_500, 2)]), id="one-blocked"),
        pytest.param(TO_CPU_2, (2,), (3_100, [(2_100, 2)]), id="one-polled"),
        pytest.param(
            PV_CALL, (), (3_500, [(2_000, 1), (2_500, 2), (3_000, 3)]), id="hypercall-all"
        ),
        pytest.param(
            PV_CALL, (1, 3), (2_700, [(1_600, 1), (2_100, 2), (2_200, 3)]), id="hypercall-one"
        ),
        pytest.param(
            TO_CLUSTER, (1,), (4_175, [(2_125, 1), (2_650, 2), (3_175, 3)]), id="cluster-two"
        ),
    ],
)
def test_blocked_targets_are_woken_one_after_the_other(
    op: Op, polled: tuple[int, ...], expected: tuple[int, Hits]
) -> None:
    """Each target behind a wake-up, and the end of the exit, come 400 later."""
    assert expected == sent("halted", op, polled=polled)


def test_each_of_several_hypercalls_wakes_its_targets() -> None:
    """The second one begins when the first has woken its target, at 2500."""
    calls = [Hypercall(10, (1, 0, apic_id, 0xFC)) for apic_id in (1, 2)]

    assert sent("halted", *calls) == (4_000, [(2_000, 1), (3_500, 2)])


def test_a_running_target_needs_no_wake_up() -> None:
    """It gets a notification instead."""
    assert sent("running", TO_CPU_2) == (3_100, [(2_100, 2)])


def test_a_wake_up_delays_the_writes_behind_it() -> None:
    """The second write begins at 3500 instead of 3100."""
    assert sent("halted", TO_CPU_3, TO_CPU_2, polled=(2,)) == (5_600, [(2_500, 3), (4_600, 2)])


def test_a_target_may_block_while_another_one_is_woken() -> None:
    """CPU 2 is polled for until 6003; CPU 1's wake-up delays it from 5700 to 6100."""
    end, hits = sent("halted", PV_CALL, start=5_000, polled=(2, 3))

    assert (end, hits[:2]) == (5_000 + 1_300 + 3 * 400, [(6_000, 1), (6_500, 2)])


def test_the_exit_of_avic_pays_too() -> None:
    """250 for the write; the exit of 1200 finds CPU 2 and takes 100 and 400 to wake it."""
    assert sent("halted", TO_CPU_2, local_apic="avic") == (2_950, [(2_350, 2)])


def test_with_ipi_virtualization_the_sender_pays_for_no_wake_up() -> None:
    """The wake-up vector interrupts the host CPU on which the target blocked."""
    assert sent("halted", TO_CPU_2, local_apic="ipiv") == (1_250, [(1_250, 2)])


@pytest.mark.parametrize("stack", ["x2apic-physical", "kvm-pv/x2apic-physical"])
def test_sending_to_blocked_targets_takes_longer_than_to_polled_ones(stack: str) -> None:
    """KVM commit e1be9ac8e601 has its reason in that time; 79 targets take 79 times 400."""
    case = case_of(stack, cpus(80), call(0, *range(1, 80)), state="halted")
    used = cost_profile_of(wake_sender=400, halt_poll_max=10**9)
    blocked = times(case, used)["send"]
    polled = times(case, used, warmup=1)["send"]

    assert blocked - polled == 79 * 400


def test_warm_targets_are_polled_for_as_long_as_the_host_allows() -> None:
    """After a warm-up, halt polling begins with its longest window, not with none."""
    case = case_of("x2apic-physical", cpus(4), call(0, 1, 2, 3), state="halted")
    used = cost_profile_of(wake_sender=10_000)

    assert times(case, used, warmup=1)["send"] + 30_000 == times(case, used)["send"]


@pytest.mark.parametrize(
    ("vcpus", "is_named"),
    [pytest.param("80", False, id="polled"), pytest.param("90", True, id="woken")],
)
def test_a_report_names_bursts_that_outlast_halt_polling(
    cli: Cli, vcpus: str, is_named: bool
) -> None:
    """79 writes take 198 us, and 89 would take 224 us of the 200 us for which KVM polls."""
    chosen = ("--workload", "broadcast", "--sender", "native", "--driver", "x2apic-physical")
    run = cli("run", "norov", "--fast", "-q", "--vcpus", vcpus, *chosen)

    assert is_named == ("targets halt for longer than KVM polls" in " ".join(run.out.split()))


@pytest.mark.parametrize("waited", [10, 10**9], ids=["within-windows", "beyond-any-window"])
def test_targets_that_are_named_several_times_are_woken_each_time(waited: int) -> None:
    """A program may interrupt one CPU more often than the guest has CPUs."""
    end, interrupts = sent("halted", *[TO_CPU_2] * 6, start=waited)

    assert end == waited + 6 * 2_500
    assert [at - waited for at, _ in interrupts] == [1_500 + 2_500 * n for n in range(6)]
