"""
Fewer host CPUs than vCPUs: halted targets queue, running ones wait for a time slice.

vCPU i shares host CPU i % N.  A woken target takes 903 of it: wake-up 800,
entry 50, EOI 6, function 7, exit 40.
"""

from __future__ import annotations

import pytest

from pvbench_deliver_model.targets import Targets
from support.model import call, case_of, cost_profile_of, cpus, ints, mask, run_case, times


def entries(targets: Targets, arrival: int, *vcpus: int) -> list[int]:
    """Handler entries of interrupts that arrive at once."""
    arrivals = [arrival] * len(vcpus)
    entry, _ = targets.accept(ints(arrivals), ints(vcpus), 0xFC, lock=False, distinct=True)
    return [int(arrivals) for arrivals in entry]


@pytest.mark.parametrize(
    ("state", "host_cpus", "expected"),
    [
        pytest.param("halted", None, "halted", id="halted-alone"),
        pytest.param("halted", 2, "halted", id="halted-shared"),
        pytest.param("running", None, "running", id="running-alone"),
        pytest.param("running", 4, "running", id="as-many-host-cpus"),
        pytest.param("running", 3, "preempted", id="one-host-cpu-short"),
    ],
)
def test_busy_vcpus_that_share_host_cpus_are_preempted(
    state: str, host_cpus: int | None, expected: str
) -> None:
    """`running` needs no more vCPUs than host CPUs."""
    case = case_of("x2apic-physical", cpus(4, host_cpus=host_cpus), call(0, 1), state=state)

    assert expected == run_case(case)[1].target_state


def test_halted_targets_of_one_host_cpu_queue() -> None:
    """CPUs 1 and 3 share host CPU 1: 1850, and 903 later; CPU 2 is elsewhere."""
    targets = Targets(cpus(4, host_cpus=2), cost_profile_of(), "halted")

    assert entries(targets, 1_000, 1, 2, 3) == [1_850, 1_850, 2_753]


def test_each_host_cpu_has_its_own_queue() -> None:
    """Four targets are on host CPU 1 at once; three are on host CPU 0, the last much later."""
    targets = Targets(cpus(8, host_cpus=2), cost_profile_of(), "halted")
    arrivals = [1_000] * 6 + [19_000]

    entry, _ = targets.accept(
        ints(arrivals), ints((1, 2, 3, 4, 5, 7, 6)), 0xFC, lock=False, distinct=True
    )

    assert entry.tolist() == [1_850, 1_850, 2_753, 2_753, 3_656, 4_559, 19_850]


def test_a_host_cpu_stays_busy_from_one_burst_to_the_next() -> None:
    """Host CPU 1 is taken until 2806; CPU 1 is polled for and could begin at 2700."""
    targets = Targets(cpus(4, host_cpus=2), cost_profile_of(), "halted")
    entries(targets, 1_000, 1, 3)

    assert entries(targets, 2_500, 1) == [2_856]


def test_a_host_cpu_that_is_free_again_delays_no_vcpu() -> None:
    """It is taken until 2806, without a wake-up behind; CPU 1 begins at 2807."""
    targets = Targets(cpus(4, host_cpus=2), cost_profile_of(), "halted")
    entries(targets, 1_000, 1, 3)

    assert entries(targets, 2_607, 1) == [2_857]


@pytest.mark.parametrize(
    ("arrival", "cpu", "expected"),
    [
        pytest.param(1_000, 1, 1_350, id="in-its-turn"),
        pytest.param(99_699, 1, 100_049, id="last-instant-of-its-turn"),
        pytest.param(99_700, 1, 200_050, id="turn-just-over"),
        pytest.param(1_000, 3, 100_050, id="before-its-first-turn"),
        pytest.param(99_700, 3, 100_050, id="first-instant-of-its-turn"),
        pytest.param(199_700, 3, 300_050, id="second-turn-to-come"),
        pytest.param(399_699, 3, 400_049, id="end-of-the-second-turn"),
    ],
)
def test_a_running_target_waits_for_its_time_slice(
    arrival: int, cpu: int, expected: int
) -> None:
    """Two host CPUs have two vCPUs each, in slices of 100000; CPUs 0 and 1 begin."""
    targets = Targets(cpus(4, host_cpus=2), cost_profile_of(), "running")

    assert [expected] == entries(targets, arrival, cpu)


def test_an_odd_vcpu_makes_the_round_longer() -> None:
    """Five vCPUs on two host CPUs have three turns; CPU 4 has the third."""
    targets = Targets(cpus(5, host_cpus=2), cost_profile_of(), "running")

    assert entries(targets, 1_000, 4) == [200_050]


def test_a_woken_mate_of_the_source_delays_the_send_behind_it() -> None:
    """
    Host CPU 0 is the source's and CPU 2's: 903 from the second target on.

    Without it a mask of three takes 6316: fence 2, irq 1, scan 12, 3 sends of
    2100, irq 1; interrupts are off for 6314 of them.
    """
    case = case_of("x2apic-physical", cpus(4, host_cpus=2), mask(0, 1, 2, 3), state="halted")

    ticks = times(case)

    assert (ticks["send"], ticks["irqoff"]) == (7_219, 7_217)


def test_a_send_that_is_delayed_reaches_the_targets_behind_it_later() -> None:
    """CPU 3 was due at 5325, 903 later it arrives: 6228 + 850, from t0 at 10."""
    case = case_of("x2apic-physical", cpus(4, host_cpus=2), mask(0, 1, 2, 3), state="halted")

    assert times(case)["deliver"] == 7_068


def test_a_busy_mate_of_the_source_takes_half_of_its_time() -> None:
    """
    A send of 6316 is interrupted in 6.3 % of the phases, by a turn of 100000.

    In the mean that is 6316, less 6316 * 6316 / 200000 for what is left of that turn.
    """
    case = case_of("x2apic-physical", cpus(4, host_cpus=2), mask(0, 1, 2, 3))

    assert times(case)["send"] == 6_316 + 6_116
