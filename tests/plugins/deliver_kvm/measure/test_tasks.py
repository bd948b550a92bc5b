"""Questions about a task that need nothing but the task."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.delivery import Task
from pvbench.ops import Burst, IrqRestore, IrqSave
from pvbench_deliver_kvm.measure import tasks
from support.kvm_raw import burst, task_of, with_algorithm

CALL: dict[str, Any] = {"operation": "smp_call_function_many"}


@pytest.mark.parametrize(
    ("bursts", "expected"),
    [
        pytest.param((burst(0, 1, 2),), False, id="one-source"),
        pytest.param((burst(0, 0),), False, id="one-source-to-itself"),
        pytest.param((burst(0, 1), burst(2, 3)), False, id="apart"),
        pytest.param((burst(0, 1), burst(2, 1)), True, id="a-shared-target"),
        pytest.param((burst(0, 2), burst(2, 3)), True, id="a-source-is-a-target"),
        pytest.param((burst(2, 3), burst(0, 2)), True, id="in-the-other-order"),
    ],
)
def test_sources_are_contended_if_their_cpus_overlap(
    bursts: tuple[Burst, ...], expected: bool
) -> None:
    """A target with two sources may have a request in its list already."""
    assert tasks.contended(task_of(*bursts)) is expected


@pytest.mark.parametrize(
    ("task", "call_queues", "waited"),
    [
        pytest.param(task_of(), False, True, id="bare"),
        pytest.param(task_of(burst(**CALL)), True, True, id="call"),
        pytest.param(task_of(burst(**CALL, wait=False)), True, False, id="no-wait"),
        pytest.param(task_of(burst(**CALL), lossy=True), False, False, id="lossy"),
    ],
)
def test_call_queues_and_waits_depend_on_the_protocol(
    task: Task, call_queues: bool, waited: bool
) -> None:
    """A request that is lost would stay in its queue forever."""
    assert (tasks.uses_call_queues(task), tasks.waited_for(task)) == (call_queues, waited)


def test_sources_and_targets_are_sets_of_cpus() -> None:
    """Targets are those of the ops, which may reach fewer CPUs than the bursts name."""
    task = attrs.evolve(task_of(burst(0, 1), burst(3, 1)), reached=((1, 2), ()))

    assert (tasks.sources_of(task), tasks.targets_of(task)) == ({0, 3}, {1, 2})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, (0, 1), id="a-bare-burst-may-name-its-source"),
        pytest.param(CALL, (1,), id="a-function-call-omits-the-caller"),
    ],
)
def test_the_cpumask_is_that_of_the_operation(
    changes: dict[str, Any], expected: tuple[int, ...]
) -> None:
    """smp_call_function_many() never calls the function on its own CPU."""
    assert tasks.mask_of(burst(0, 0, 1, **changes)) == expected


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (task_of(), ""),
        (with_algorithm(task_of()), "x2apic-physical"),
        (with_algorithm(task_of(), overlay="kvm-pv"), "kvm-pv/x2apic-physical"),
    ],
    ids=["none", "native", "overlay"],
)
def test_the_name_of_an_algorithm_is_that_of_its_stack(task: Task, expected: str) -> None:
    """The overlay comes first."""
    assert tasks.stack_name(task) == expected


def test_the_null_task_sends_nothing() -> None:
    """It disables and enables interrupts, in one burst to all CPUs that reaches none."""
    task = tasks.null_task((0, 1, 2))

    assert task.programs == ((IrqSave(), IrqRestore()),)
    assert (task.bursts[0].targets, task.reached) == ((0, 1, 2), ((),))
