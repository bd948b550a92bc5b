"""The plan of recordings: each send is a task of its own."""

from __future__ import annotations

from typing import Any, cast

import attrs
import pytest

from pvbench.delivery import Delivery, Description, Task
from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.protocol import Turn
from pvbench.run.effort import effort
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Part, Plan, make_plan
from pvbench.suite import Case
from support.helpers import burst_of
from support.runs import broadcast, case_of
from support.sessions import EXACT, NEAR_EXACT, NOISY

SENDS = (burst_of("send_IPI", 1), burst_of("send_IPI", 2), burst_of("send_IPI_mask", 1, 2))


@attrs.frozen
class Hypervisor:
    """A delivery that refuses multicasts, and bursts of one source that come together."""

    name: str = "planner"
    summary: str = "for tests"
    most: int = 1

    def why_unsupported(self, guest: Guest, task: Task, description: Description) -> str | None:
        if len(task.bursts) > 1:
            return "it has several bursts"
        return "it is a multicast" if len(task.bursts[0].targets) > self.most else None


def recording(*bursts: Burst) -> Case:
    """A case whose bursts are each sent twice."""
    case = case_of("x2apic-physical", *bursts)
    workload = attrs.evolve(case.workload, name="recorded")
    return attrs.evolve(case, workload=workload, repeats=(2,) * len(bursts))


def plan_of(*cases: Case, clock: Any = EXACT, most: int = 9) -> Plan:
    """The plan of *cases* for the delivery."""
    description = Description(clock=clock)
    part = Part(description, list(cases))
    planned = effort(description, "default", 1)
    return make_plan([part], cast("Delivery", Hypervisor(most=most)), planned, 0)


def test_each_send_of_a_recording_is_a_task() -> None:
    """Those of one case follow one another, and other cases keep one task."""
    plan = plan_of(case_of("x2apic-physical", broadcast()), recording(*SENDS))
    (boot,) = plan.boots
    turns = boot.schedule(plan.effort)

    assert [len(parts) for parts in boot.parts] == [1, 3]
    assert sorted(turns) == [Turn(0, 20, 10), Turn(1, 1, 0), Turn(2, 1, 0), Turn(3, 1, 0)]
    places = [turn.task for turn in turns if turn.task]
    assert places == [1, 2, 3]
    tasks = [part.task.bursts for part in boot.parts[1]]
    assert tasks == [(burst,) for burst in SENDS]


@pytest.mark.parametrize(("clock", "loops", "warmup"), [(NOISY, 333, 100), (NEAR_EXACT, 20, 3)])
def test_sends_share_the_iterations_of_a_case(clock: Any, loops: int, warmup: int) -> None:
    """A recording takes about as long as another case, unless it has many sends."""
    plan = plan_of(recording(*SENDS), clock=clock)
    (boot,) = plan.boots

    assert {(turn.loops, turn.warmup) for turn in boot.schedule(plan.effort)} == {
        (loops, warmup)
    }


def test_a_delivery_is_asked_about_each_send() -> None:
    """It would refuse them together; what it refuses alone, the recording cannot have."""
    assert plan_of(recording(*SENDS)).refused == {}
    (outcome,) = plan_of(recording(*SENDS), most=1).refused.values()

    assert outcome == Outcome("unsupported", "it is a multicast")
