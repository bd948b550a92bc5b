"""
Targets whose idle loop polls: a single call to one of them needs no interrupt.

Costs are those of `support.model.ROUND`: queueing 20, notice 25, function 7, poll 5.
"""

from __future__ import annotations

import pytest

from pvbench.ops import Burst
from pvbench.run.proof import differences
from support.helpers import total_ticks
from support.model import call, case_of, cost_profile_of, cpus, mask, run_case
from support.runs import Cli

STACKS = (
    *("x2apic-physical", "x2apic-cluster"),
    *("kvm-pv/x2apic-physical", "hyperv-ipi/x2apic-physical"),
)
SINGLE = Burst(source=0, operation="smp_call_function_single", targets=(1,))


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("burst", [call(0, 1), SINGLE], ids=["mask-of-one", "single"])
def test_the_only_target_is_not_interrupted_if_it_polls(stack: str, burst: Burst) -> None:
    """It finds the call at 45, and the source its acknowledgement at 57."""
    prepared, result = run_case(case_of(stack, cpus(4), burst, state="polling"), loops=2)
    counts = result.counts

    assert (counts.icr_writes, counts.hypercalls, counts.exits) == (0, 0, 0)
    assert (counts.handlers, counts.functions) == ((0, 0, 0, 0), (0, 2, 0, 0))
    assert total_ticks(result) == {"deliver": 90, "ack": 114, "wall": 134}
    assert differences(prepared, result) == []


def test_a_member_of_a_larger_mask_is_interrupted_although_it_polls() -> None:
    """It costs what it costs to interrupt running CPUs."""
    case = case_of("x2apic-physical", cpus(4), call(0, 1, 2), state="polling")
    running = case_of("x2apic-physical", cpus(4), call(0, 1, 2))
    prepared, result = run_case(case)

    assert (result.counts.icr_writes, result.counts.handlers) == (2, (0, 1, 1, 0))
    assert total_ticks(result) == total_ticks(run_case(running)[1])
    assert differences(prepared, result) == []


def test_an_ipi_that_is_no_call_interrupts_a_polling_cpu() -> None:
    """send_IPI_mask() does not look at what its targets do."""
    case = case_of("x2apic-physical", cpus(4), mask(0, 1), state="polling")

    assert run_case(case)[1].counts.handlers == (0, 1, 0, 0)


def test_a_polling_target_is_not_woken() -> None:
    """It is in guest mode, so neither the sender nor the target pays for a wake-up."""
    used = cost_profile_of(wake_sender=10_000, wake_blocked=10_000)
    case = case_of("x2apic-physical", cpus(4), call(0, 1, 2), state="polling")
    counts = run_case(case, used)[1].counts

    assert (counts.wakeups_polled, counts.wakeups_blocked) == (0, 0)


def test_a_source_is_not_idle_and_so_is_interrupted() -> None:
    """Each of two sources calls the other one, which spins until it is acknowledged."""
    case = case_of("x2apic-physical", cpus(2), call(0, 1), call(1, 0), state="polling")
    prepared, result = run_case(case, loops=3)

    assert (result.counts.icr_writes, result.counts.handlers) == (6, (3, 3))
    assert differences(prepared, result) == []


def test_the_last_one_left_of_a_mask_is_not_interrupted() -> None:
    """The calls of two sources to CPU 2 meet in its queue; each is counted once."""
    case = case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 2, 3), state="polling")
    prepared, result = run_case(case, loops=5)

    assert result.counts.functions[2] == 10
    assert differences(prepared, result) == []


def test_results_say_that_targets_poll(cli: Cli) -> None:
    """The state is proved and part of the name of a case."""
    chosen = ("--workload", "normal-ipi", "--sender", "native", "--driver", "x2apic-physical")
    run = cli("run", "norov", "--fast", "-q", "--targets", "polling", "--vcpus", "4", *chosen)

    assert run.status == 0
    assert "targets polling" in " ".join(run.out.split())


def test_polling_cpus_are_not_modelled_where_they_share_host_cpus(cli: Cli) -> None:
    """One that is preempted neither polls nor finds a call."""
    options = ("--targets", "polling", "--vcpus", "8", "--host-cpus", "2")
    output = cli("run", "norov", "--sender", "native", "--fast", *options)

    assert output.status == 3
    assert "polling CPUs that share host CPUs and are preempted" in " ".join(output.err.split())
