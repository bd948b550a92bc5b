"""
Over-commit: a busy source takes turns with the vCPUs that share its host CPU.

Costs are those of `support.model.ROUND`: a loop of 10, a time slice of 100000.
"""

from __future__ import annotations

import pytest

from pvbench_deliver_model.host_cpus import HostCpus
from support.model import call, case_of, cost_profile_of, cpus, run_case
from support.runs import Cli


def hosts(count: int, vcpus: int) -> HostCpus:
    """Host CPUs with time slices of 100000."""
    return HostCpus(count, vcpus, cost_profile_of())


def wall(
    targets: int, vcpus: int, host_cpus: int, *, loops: int = 20, warmup: int = 0
) -> float:
    """The median time of a call to CPUs 1, 2, ... of a guest of spinning vCPUs."""
    bursts = [call(0, *range(1, targets + 1))] if targets else []
    case = case_of("x2apic-physical", cpus(vcpus, host_cpus=host_cpus), *bursts)
    return run_case(case, loops=loops, warmup=warmup)[1].distributions["wall"].median


def test_eighty_spinning_vcpus_on_one_host_cpu_share_the_time_of_an_empty_loop() -> None:
    """10 of the CPU's time take 800 in the mean, rounded down where a turn ends in between."""
    assert wall(0, 80, 1) == 799


@pytest.mark.parametrize(
    ("spent", "expected"),
    [
        pytest.param(0, 0, id="nothing"),
        pytest.param(100, 299, id="short-is-multiplied-by-three"),
        pytest.param(100_000, 250_000, id="one-turn"),
        pytest.param(150_000, 250_000, id="between-turns"),
        pytest.param(250_000, 262_500, id="partly-in-the-next-turn"),
        pytest.param(300_000, 300_000, id="a-whole-round-later"),
        pytest.param(300_100, 300_299, id="short-of-the-next-round"),
    ],
)
def test_a_source_goes_on_with_its_next_turn(spent: int, expected: int) -> None:
    """Three vCPUs of one host CPU; the mean over the phases of the source's turn."""
    assert expected == hosts(1, 3).resumed_ps(0, spent)


def test_the_mean_is_that_of_all_phases() -> None:
    """Computed from the definition at 1000 phases, for a wait of 130000 with three vCPUs."""
    turn, period, spent = 100_000, 300_000, 130_000
    ends = []
    for phase in range(50, turn, 100):
        end = (phase + spent) % period
        ends.append(spent + (0 if end < turn else period - end))

    assert hosts(1, 3).resumed_ps(0, spent) == pytest.approx(sum(ends) / len(ends), rel=1e-3)


@pytest.mark.parametrize("host_cpus", [1, 7, 20, 39, 40])
def test_more_targets_never_take_less_time_on_shared_host_cpus(host_cpus: int) -> None:
    """In one guest, from none to all of 40 vCPUs."""
    walls = [wall(targets, 40, host_cpus) for targets in range(40)]

    assert walls == sorted(walls)


@pytest.mark.parametrize("warmup", [1, 7, 100])
def test_a_slice_does_not_depend_on_its_start(warmup: int) -> None:
    """Each of its bursts begins at its own phase of the turns."""
    assert wall(9, 20, 8, warmup=warmup) == wall(9, 20, 8)


@pytest.mark.parametrize("targets", [3, 9, 19])
def test_a_slice_is_converged(targets: int) -> None:
    """Twenty bursts say nearly the same as five hundred."""
    assert wall(targets, 20, 8) == pytest.approx(wall(targets, 20, 8, loops=500), rel=0.1)


def test_a_source_sees_the_answer_of_a_mate_only_in_its_next_turn() -> None:
    """Two vCPUs on one host CPU: the target runs when the source does not."""
    case = case_of("x2apic-physical", cpus(2, host_cpus=1), call(0, 1))
    times = run_case(case, loops=20)[1].distributions

    assert times["deliver"].minimum < times["ack"].minimum
    assert 100_000 < times["ack"].minimum <= times["ack"].maximum <= 200_000


@pytest.mark.parametrize("vcpus", [1, 4])
def test_a_vcpu_with_a_host_cpu_to_itself_takes_no_turns(vcpus: int) -> None:
    """There are as many host CPUs as vCPUs."""
    assert hosts(vcpus, vcpus).resumed_ps(vcpus - 1, 123_456) == 123_456


@pytest.mark.parametrize(
    ("options", "is_refused"),
    [
        pytest.param(("--targets", "running", "--host-cpus", "4"), True, id="busy-targets"),
        pytest.param(("--targets", "halted", "--host-cpus", "4"), False, id="halted-targets"),
        pytest.param(("--targets", "halted", "--host-cpus", "1"), True, id="one-host-cpu"),
    ],
)
def test_turns_of_several_sources_are_refused(
    cli: Cli, options: tuple[str, ...], is_refused: bool
) -> None:
    """The model would let each of them run all the time."""
    chosen = ("--workload", "pairs:2:disjoint", "--driver", "x2apic-physical")
    base = ("run", "pairs", "--fast", "-q", "--vcpus", "8", "--sender", "native")
    run = cli(*base, *chosen, *options)

    assert is_refused == ("no turns of several sources" in run.err)
