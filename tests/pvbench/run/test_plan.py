"""The plan: which cases run, in which boots and in which order."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import attrs
import pytest

from pvbench.delivery import Clock, Delivery, Description, Task
from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench.results.schema import case_name
from pvbench.run import plan as planning
from pvbench.run.effort import Effort, effort
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot, Part, Plan, make_plan
from pvbench.run.prepared import PlanRoom
from pvbench.run.schedule import order
from pvbench.sender import Apic, Driver, Ops, Stack
from pvbench.suite import Case
from support.helpers import bundled, guest_of
from support.runs import broadcast, case_of, prepared_of
from support.sessions import EXACT, NEAR_EXACT, NO_TIMES, NOISY

HERE = Description(clock=EXACT)
ONE = Effort(boots=1, slices=1, loops=5, warmup=10)


@attrs.frozen
class Hypervisor:
    """A delivery that never boots; *reason* is why it cannot boot a guest."""

    name: str = "planner"
    summary: str = "for tests"
    reason: str | None = None

    def why_unsupported(self, guest: Guest, task: Task, description: Description) -> str | None:
        return self.reason


def plan_of(*cases: Case, asked_effort: Effort = ONE, seed: int = 0, **delivery: Any) -> Plan:
    """The plan for a delivery that supports everything, or gives a reason."""
    part = Part(HERE, list(cases))
    return make_plan([part], cast("Delivery", Hypervisor(**delivery)), asked_effort, seed)


def guests_of(seed: int) -> list[int]:
    """CPU counts of the boots of four guests, two boots each."""
    cases = [case_of("x2apic-physical", broadcast(), cpus=n) for n in (4, 5, 6, 7)]
    plan = plan_of(*cases, asked_effort=attrs.evolve(ONE, boots=2), seed=seed)
    return [len(boot.guest.apic_ids) for boot in plan.boots]


@pytest.mark.parametrize(
    ("clock", "pace", "expected"),
    [
        pytest.param(EXACT, "fast", (1, 1, 5, 10, None), id="exact-fast"),
        pytest.param(EXACT, "default", (1, 1, 20, 10, None), id="exact"),
        pytest.param(EXACT, "rigorous", (1, 1, 200, 10, None), id="exact-rigorous"),
        pytest.param(NEAR_EXACT, "fast", (2, 2, 10, 3, None), id="near-exact-fast"),
        pytest.param(NEAR_EXACT, "default", (2, 2, 20, 3, None), id="near-exact"),
        pytest.param(NEAR_EXACT, "rigorous", (4, 2, 20, 3, None), id="near-exact-rigorous"),
        pytest.param(NO_TIMES, "fast", (2, 2, 10, 3, None), id="no-times-fast"),
        pytest.param(NO_TIMES, "default", (2, 2, 20, 3, None), id="no-times"),
        pytest.param(NO_TIMES, "rigorous", (4, 2, 200, 3, None), id="no-times-rigorous"),
        pytest.param(NOISY, "fast", (3, 4, 100, 100, 0.25), id="noisy-fast"),
        pytest.param(NOISY, "default", (10, 4, 1_000, 100, 0.25), id="noisy"),
        pytest.param(NOISY, "rigorous", (30, 4, 1_000, 100, 0.25), id="noisy-rigorous"),
    ],
)
def test_the_noisier_a_clock_is_the_more_boots_it_needs(
    clock: Clock, pace: str, expected: tuple[int, ...]
) -> None:
    """Boots are the observations, and an exact clock needs only one."""
    planned = effort(Description(clock=clock), pace, boots=None)

    assert attrs.astuple(planned) == (*expected, False)


@pytest.mark.parametrize(("slice_s", "expected"), [(None, 7), (0.25, 5)])
def test_a_short_slice_has_a_short_warm_up(slice_s: float | None, expected: int) -> None:
    """This holds for real time; with an exact clock the warm-up costs none."""
    targets = Effort(boots=1, slices=1, loops=100, warmup=7, slice_s=slice_s)

    assert targets.warmup_of(5) == expected


@pytest.mark.parametrize("seed", range(5))
def test_the_boots_of_a_plan_are_the_first_ones_of_a_plan_with_more(seed: int) -> None:
    """Boots can therefore be added to a run: their numbers and their order remain."""
    cases = [case_of("x2apic-physical", broadcast(), cpus=n) for n in (4, 5, 6, 7)]
    plans = [
        plan_of(*cases, asked_effort=attrs.evolve(ONE, boots=n), seed=seed) for n in (2, 5)
    ]
    few, many = ([(b.number_in_guest, b.guest, b.order) for b in plan.boots] for plan in plans)

    assert (len(few), len(many)) == (8, 20)
    assert many[: len(few)] == few


@pytest.mark.parametrize("clock", [EXACT, NOISY])
def test_the_user_s_number_of_boots_has_precedence(clock: Clock) -> None:
    """``--boots`` overrides the number that follows from clock and pace."""
    assert effort(Description(clock=clock), "rigorous", boots=7).boots == 7


def test_a_boot_has_its_cases_in_its_own_order() -> None:
    """Forwards and backwards, each slice with the loops and the warm-up of the plan."""
    boot = Boot(0, guest_of(range(4)), (prepared_of(), prepared_of("x2apic-cluster")), (1, 0))
    turns = boot.schedule(Effort(boots=1, slices=4, loops=100, warmup=7))

    assert [turn.task for turn in turns] == [1, 0, 0, 1, 1, 0, 0, 1]
    assert {(100, 7)} == {(turn.loops, turn.warmup) for turn in turns}
    assert [boot.places[case.name] for case in boot.cases] == [2, 1]


@pytest.mark.parametrize("clock", [EXACT, NEAR_EXACT, NOISY])
@pytest.mark.parametrize("pace", ["fast", "default", "rigorous"])
def test_the_number_of_slices_is_even_unless_the_clock_is_exact(
    clock: Clock, pace: str
) -> None:
    """With an odd number a drift inside a boot favours the first case."""
    slices = effort(Description(clock=clock), pace, boots=None).slices

    assert (slices == 1) if clock.is_exact else (slices % 2 == 0)


def test_the_order_of_cases_is_drawn_anew_for_each_boot() -> None:
    """It follows from the seed and the number of the boot."""
    names = (
        "x2apic-physical",
        "kvm-pv/x2apic-physical",
        "x2apic-cluster",
        "kvm-pv/x2apic-cluster",
    )
    cases = [case_of(name, broadcast(cpus=n), cpus=n) for n in (4, 5) for name in names]
    boots = plan_of(*cases, asked_effort=attrs.evolve(ONE, boots=10), seed=3).boots

    assert [boot.order for boot in boots] == [order(3, n, 4) for n in range(1, 21)]
    assert len({boot.order for boot in boots}) > 5


def test_a_case_that_the_plan_has_no_room_for_is_unsupported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A smaller case after it still runs."""
    monkeypatch.setattr(planning, "PlanRoom", partial(PlanRoom, ops=10))
    large, small = (case_of("x2apic-physical", broadcast(cpus=n), cpus=n) for n in (9, 3))

    plan = plan_of(large, small)

    assert [len(boot.guest.apic_ids) for boot in plan.boots] == [3]
    assert plan.refused[case_name(large)].kind == "unsupported"


def test_stacks_with_the_same_guest_share_its_boots() -> None:
    """All x2APIC senders of one ABI take turns in a boot."""
    names = ("x2apic-physical", "kvm-pv/x2apic-physical", "x2apic-cluster")
    plan = plan_of(*(case_of(name, broadcast()) for name in names))

    assert [list(names)] == [[p.case.stack.name for p in b.cases] for b in plan.boots]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("xapic-physical", id="apic-mode"),
        pytest.param("kvm-pv128-v3/x2apic-physical", id="hypercall-abi"),
    ],
)
def test_stacks_that_need_another_guest_get_their_own_boot(other: str) -> None:
    """One guest has one APIC mode and one meaning for its hypercalls."""
    plan = plan_of(case_of("x2apic-physical", broadcast()), case_of(other, broadcast()))

    assert [len(boot.cases) for boot in plan.boots] == [1, 1]


def test_each_replicate_boots_every_guest_once() -> None:
    """Every guest has booted once before any guest boots again."""
    counts = guests_of(seed=1)

    assert [4, 5, 6, 7] == sorted(counts[:4]) == sorted(counts[4:])


def test_the_seed_alone_decides_the_order_of_boots() -> None:
    """The order is shuffled and can be repeated from the seed."""
    orders = {tuple(guests_of(seed)) for seed in range(10)}

    assert guests_of(3) == guests_of(3)
    assert len(orders) > 1


def test_the_order_of_cases_does_not_depend_on_the_seed() -> None:
    """Result files have the order of the plan's cases."""
    cases = [case_of("x2apic-physical", broadcast(), cpus=n) for n in (4, 5, 6, 7)]

    assert tuple(cases) == plan_of(*cases, seed=1).cases == plan_of(*cases, seed=2).cases


FLAT_OF_80 = case_of("xapic-flat", cpus=80)
LONELY = case_of("x2apic-physical", cpus=1, why_unsupported="normal-ipi needs 2 CPUs")


@pytest.mark.parametrize(
    ("case", "delivery", "reason"),
    [
        pytest.param(FLAT_OF_80, None, "flat logical mode can address only 8 CPUs", id="stack"),
        pytest.param(LONELY, None, "normal-ipi needs 2 CPUs", id="workload"),
        pytest.param(
            case_of("x2apic-physical", broadcast()), "only 2 vCPUs", "only 2 vCPUs", id="host"
        ),
    ],
)
def test_a_case_that_cannot_run_is_unsupported_with_the_reason(
    case: Case, delivery: str | None, reason: str
) -> None:
    """It is neither approximated nor silently left out."""
    plan = plan_of(case, reason=delivery)

    assert {case_name(case): Outcome("unsupported", reason)} == plan.refused
    assert plan.boots == ()


class Silent(Driver):
    """A driver that sends no IPI."""

    name = "silent"
    summary = "for tests"
    apic_mode = "x2apic"

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        return iter(())


class Raising(Silent):
    """A driver that raises."""

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        raise KeyError("no such register")


@pytest.mark.parametrize(
    ("driver", "reason"),
    [
        pytest.param(
            Silent(),
            "silent on a test's fails the static check: it does not reach CPU 1, 2, 3",
            id="misses-all",
        ),
        pytest.param(
            Raising(),
            "silent on a test's fails the static check: sender silent raises KeyError: "
            "'no such register'",
            id="raises",
        ),
    ],
)
def test_a_sender_that_fails_the_static_check_is_void(driver: Driver, reason: str) -> None:
    """Every case is checked once before it runs, and a faulty one never boots."""
    burst: Burst = broadcast()
    case = attrs.evolve(case_of("x2apic-physical", burst), stack=Stack(driver))
    plan = plan_of(case)

    assert {case_name(case): Outcome("void", reason)} == plan.refused
    assert plan.boots == ()


def test_the_effort_of_programs_is_one_run_of_each_in_a_boot() -> None:
    """A program is a fixed amount of work, so no boot has more or less of it."""
    description = Description(clock=NOISY, runs_programs=True)

    assert attrs.astuple(effort(description, "default", None)) == (10, 1, 1, 0, None, True)
    assert effort(description, "fast", None).boots == 3


def program_case(stack: str = "x2apic-physical", name: str = "broadcast") -> Case:
    """A case whose workload is a program for Linux."""
    program = attrs.evolve(bundled().workload("broadcast"), name=name, is_program=True)
    return attrs.evolve(case_of(stack), workload=program)


OPS = case_of("x2apic-physical", broadcast())


@pytest.mark.parametrize(
    ("runs_programs", "case", "reason"),
    [
        pytest.param(True, program_case(), "", id="program-linux"),
        pytest.param(False, OPS, "", id="ops-no-linux"),
        pytest.param(False, program_case(), "is a program for Linux", id="program-no-linux"),
        pytest.param(True, OPS, "is no program", id="ops-linux"),
    ],
)
def test_programs_run_where_linux_does_and_ops_run_elsewhere(
    runs_programs: bool, case: Case, reason: str
) -> None:
    """Linux in a guest decides itself what it sends."""
    description = Description(clock=EXACT, runs_programs=runs_programs)
    delivery = cast("Delivery", Hypervisor())
    plan = make_plan([Part(description, [case])], delivery, ONE, 0)

    assert len(plan.boots) == (not reason)
    assert all(reason in outcome.reason for outcome in plan.refused.values())


def test_cases_of_a_stack_are_adjacent_if_each_stack_has_a_guest_of_its_own() -> None:
    """PV on and off are then a pair of adjacent guests, whose order is drawn."""
    stacks = ["x2apic-physical", "kvm-pv/x2apic-physical"]
    cases = [program_case(stack, name) for name in "abc" for stack in stacks]
    description = Description(clock=NOISY, runs_programs=True)
    planned = effort(description, "rigorous", None)
    delivery = cast("Delivery", Hypervisor())
    plan = make_plan([Part(description, cases)], delivery, planned, 0)
    names = [[boot.cases[n].case.stack.name for n in boot.order] for boot in plan.boots]

    assert {tuple(order) for order in names} == {
        tuple(stacks[:1] * 3 + stacks[1:] * 3),
        tuple(stacks[1:] * 3 + stacks[:1] * 3),
    }
