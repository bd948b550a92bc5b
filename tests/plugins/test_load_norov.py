"""The five tests of ipi_benchmark: the bursts of one iteration."""

from __future__ import annotations

import pytest

from pvbench.ops import Burst
from support.helpers import bundled, burst_of, guest_of

IDS = [40, 3, 77, 5]
MANY = "smp_call_function_many"
SINGLE = "smp_call_function_single"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("dry-run", (), id="an-empty-loop"),
        pytest.param(
            "self-ipi", (burst_of(SINGLE, 0, vector=0xFB, wait=True),), id="the-own-cpu"
        ),
        pytest.param(
            "normal-ipi",
            (burst_of(SINGLE, 1, vector=0xFB, wait=True),),
            id="the-first-other-cpu",
        ),
        pytest.param(
            "broadcast",
            (burst_of(MANY, 1, 2, 3, vector=0xFC, wait=True, lock=False),),
            id="all-others",
        ),
        pytest.param(
            "broadcast-lock",
            (burst_of(MANY, 1, 2, 3, vector=0xFC, wait=True, lock=True),),
            id="all-others-under-one-lock",
        ),
    ],
)
def test_an_iteration_has_the_bursts_of_the_module(
    name: str, expected: tuple[Burst, ...]
) -> None:
    """Preemption is off, so the source is the same CPU throughout; wait=1 in all tests."""
    assert expected == bundled().workload(name).bursts_in(guest_of(IDS))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("dry-run", (), id="dry-run"),
        pytest.param("self-ipi", (burst_of(SINGLE, 0),), id="self-ipi"),
        pytest.param("normal-ipi", "normal-ipi needs 2 CPUs", id="normal-ipi"),
        pytest.param("broadcast", "broadcast needs 2 CPUs", id="broadcast"),
        pytest.param("broadcast-lock", "broadcast-lock needs 2 CPUs", id="broadcast-lock"),
    ],
)
def test_a_single_cpu_can_only_call_itself(
    name: str, expected: tuple[Burst, ...] | str
) -> None:
    """No other CPU exists."""
    assert expected == bundled().workload(name).bursts_in(guest_of([7]))


def test_a_broadcast_targets_all_other_cpus_of_the_largest_guest() -> None:
    """KVM's largest guest has 4096 vCPUs."""
    bursts = bundled().workload("broadcast").bursts_in(guest_of(range(4096)))
    assert not isinstance(bursts, str)
    (burst,) = bursts

    assert (len(burst.targets), burst.targets[0], burst.targets[-1]) == (4095, 1, 4095)


def test_ipis_go_to_cpus_that_are_online() -> None:
    """A guest with one online CPU has no other CPU."""
    guest, alone = guest_of(range(4), offline=(1,)), guest_of(range(2), offline=(1,))
    workload = bundled().workload("normal-ipi")

    assert workload.bursts_in(guest) == (burst_of(SINGLE, 2),)
    assert workload.bursts_in(alone) == "normal-ipi needs 2 CPUs"
