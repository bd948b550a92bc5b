"""
The part of a modelled time that depends on assumed costs (confidence C).

The case computed by hand is a unicast call to a running target, in hundreds of
`support.model.ROUND`: queue 20, fence 2, write 2000 and target 100 make the send
2122; handler at 1472 (20, 2, 1000, 100, notification 300, entry 50); back after the
send and a poll of 5; 10 for the loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.protocol import SliceReport, decode, encode
from pvbench.suite import Case
from pvbench_deliver_model import assumed
from pvbench_deliver_model.cost_file import read
from pvbench_deliver_model.cost_profile import CostProfile
from support.model import (
    ROUND,
    call,
    case_of,
    cost_profile_of,
    cpus,
    mask,
    modelled,
    run_case,
)
from support.model_strategies import cases, cost_profiles

UNICAST = case_of("x2apic-physical", cpus(4), call(0, 2))
COSTS = sorted(ROUND)


def lettered(cost_profile: CostProfile, assumed: Iterable[str]) -> CostProfile:
    """The cost profile with confidence C for these costs and A for the others."""
    letters = dict.fromkeys(cost_profile.costs, "A") | dict.fromkeys(assumed, "C")
    costs = {k: attrs.evolve(v, confidence=letters[k]) for k, v in cost_profile.costs.items()}
    return attrs.evolve(cost_profile, costs=costs)


def in_hundreds(*assumed: str, **options: Any) -> CostProfile:
    """ROUND a hundredfold, so that a hundredth of each cost is whole."""
    costs = {name: 100 * ps for name, ps in ROUND.items()}
    return lettered(cost_profile_of(**(costs | options)), assumed)


def parts(case: Case, *assumed: str, **options: Any) -> dict[str, float]:
    """The assumed part of each series."""
    return modelled(case, in_hundreds(*assumed, **options), loops=2).assumed


def test_the_assumed_part_is_0_if_no_cost_is_assumed() -> None:
    """It is exactly 0 in every series."""
    assert parts(UNICAST) == {"send": 0, "deliver": 0, "ack": 0, "wall": 0}


def test_the_assumed_part_is_1_if_all_costs_are_assumed() -> None:
    """It is 1 in every series."""
    assumed = parts(UNICAST, *COSTS)

    assert assumed == pytest.approx(dict.fromkeys(("send", "deliver", "ack", "wall"), 1))


@pytest.mark.parametrize(
    ("assumed", "send", "deliver", "ack", "wall"),
    [
        pytest.param(("icr_write",), 2_000, 1_000, 2_000, 2_000, id="half-of-an-exit-delivers"),
        pytest.param(("deliver_target",), 100, 100, 100, 100, id="a-part-of-all"),
        pytest.param(("csd_queue", "fence"), 22, 22, 22, 22, id="two-costs-add-up"),
        pytest.param(("posted_notification",), 0, 300, 0, 0, id="off-the-critical-path"),
        pytest.param(("interrupt_entry", "deliver_target"), 100, 150, 100, 100, id="both"),
        pytest.param(("ack_poll",), 0, 0, 5, 5, id="a-poll-is-part-of-the-way-back"),
        pytest.param(("loop_overhead",), 0, 0, 0, 10, id="the-loop-is-part-of-an-iteration"),
        pytest.param(("kick", "wake_blocked", "hypercall"), 0, 0, 0, 0, id="paid-by-nobody"),
    ],
)
def test_the_assumed_part_is_the_share_of_the_assumed_costs(
    assumed: tuple[str, ...], send: int, deliver: int, ack: int, wall: int
) -> None:
    """It is a part of 2122, 1472, 2127 and 2137."""
    expected = {
        "send": send / 2_122,
        "deliver": deliver / 1_472,
        "ack": ack / 2_127,
        "wall": wall / 2_137,
    }

    assert parts(UNICAST, *assumed) == pytest.approx(expected)


def test_a_cost_counts_each_time_it_occurs() -> None:
    """Three targets take 300 of 6316 (fence 2, irq 1 and 1, scan 12, 3 sends of 2100)."""
    assumed = parts(case_of("x2apic-physical", cpus(4), mask(0, 1, 2, 3)), "deliver_target")

    assert (assumed["send"], assumed["irqoff"]) == pytest.approx((300 / 6_316, 300 / 6_314))


def test_only_costs_on_the_critical_path_count() -> None:
    """With a notification of 3000 the target is last: 4185 for the acknowledgement."""
    assumed = parts(UNICAST, "posted_notification", posted_notification=300_000)

    assert assumed["ack"] == pytest.approx(3_000 / 4_190)


@pytest.mark.parametrize(
    ("local_apic", "state", "assumed", "expected"),
    [
        pytest.param("ipiv", "running", ("icr_direct",), 250 / 272, id="ipiv"),
        pytest.param("x2avic", "running", ("icr_direct",), 250 / 272, id="avic"),
        pytest.param("x2avic", "running", ("deliver_direct",), 0, id="avic-first-target"),
        pytest.param("x2avic", "running", ("avic_incomplete",), 0, id="avic-no-exit"),
        pytest.param("x2avic", "halted", ("avic_incomplete",), 1_200 / 1_572, id="avic-exit"),
        pytest.param("x2avic", "halted", ("deliver_target",), 100 / 1_572, id="avic-wakes"),
        pytest.param("bare", "running", ("icr_write",), 0, id="bare-never-exits"),
    ],
)
def test_the_assumed_part_depends_on_the_local_apic(
    local_apic: str, state: str, assumed: tuple[str, ...], expected: float
) -> None:
    """20 and 2 before the write of 250; AVIC's exit is 1200 and 100 more."""
    case = attrs.evolve(UNICAST, target_state=state)
    result = modelled(case, in_hundreds(*assumed, local_apic=local_apic))

    assert result.assumed["send"] == pytest.approx(expected)


@given(assumed=st.sets(st.sampled_from(COSTS)))
def test_parts_of_single_costs_add_up_to_the_part_of_all(assumed: set[str]) -> None:
    """This holds as long as the step of 1 percent does not change which target is last."""
    single_parts = [parts(UNICAST, name)["wall"] for name in assumed]

    assert parts(UNICAST, *assumed)["wall"] == pytest.approx(sum(single_parts))


def test_the_makespan_of_several_sources_has_an_assumed_part() -> None:
    """Two unicasts side by side take 2137, of which the loop is 10."""
    case = case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 3))

    assert parts(case, "loop_overhead")["makespan"] == pytest.approx(10 / 2_137)


def test_an_empty_loop_has_an_assumed_part() -> None:
    """This is the dry run."""
    assert parts(case_of("x2apic-physical", cpus(2)), "loop_overhead") == {"wall": 1}


def test_a_time_of_0_has_an_assumed_part_of_0() -> None:
    """Interrupts are off for 0 ps if all ops in between cost nothing."""
    free = dict.fromkeys(("irq_toggle", "scan_cpu", "icr_write", "deliver_target"), 0.0)
    case = case_of("x2apic-physical", cpus(4), mask(0, 1, 2))

    assert parts(case, *COSTS, **free)["irqoff"] == 0


def broadcast_of_2018(vcpus: int) -> dict[str, float]:
    """The assumed part of each series of a broadcast by 32-bit APIC IDs."""
    everybody = call(0, *range(1, vcpus))
    case = case_of("x2apic-physical", cpus(vcpus), everybody, state="halted")
    return modelled(case, read("skylake-2018"), loops=10, warmup=10).assumed


@pytest.mark.parametrize(("vcpus", "part"), [(80, 0.16), (81, 0.40), (82, 0.40)])
def test_the_assumed_part_does_not_jump_where_kvm_stops_polling(
    vcpus: int, part: float
) -> None:
    """At 81, assumed costs of a hundredth less let each target be polled for, 81 us less."""
    assert broadcast_of_2018(vcpus)["wall"] == pytest.approx(part, abs=0.01)


def test_no_part_is_stated_if_each_step_changes_the_wake_ups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At 81 the step of a hundredth less is one that does."""
    monkeypatch.setattr(assumed, "_STEPS", (-0.01,))

    assert broadcast_of_2018(81) == {}
    assert broadcast_of_2018(80) != {}


def test_a_series_missing_from_the_second_run_has_no_assumed_part() -> None:
    """
    In its second burst CPU 1 finds both call queues empty and sends to both, interrupts off.

    With a notification that takes a hundredth less CPU 2's is not, and a unicast keeps
    interrupts on.
    """
    case = case_of("x2apic-physical", cpus(4), call(0, 2), call(1, 2, 3, wait=False))
    costs = {"posted_notification": 96_000, "csd_queue": 1_000}
    cost_profile = in_hundreds("posted_notification", **costs)
    reduced = in_hundreds(**costs | {"posted_notification": 95_040})

    result = modelled(case, cost_profile, loops=2)

    assert result.distributions.keys() - result.assumed.keys() == {"irqoff"}
    assert "irqoff" not in modelled(case, reduced, loops=2).distributions


@given(
    case=cases(),
    cost_profile=cost_profiles(),
    assumed=st.sets(st.sampled_from(COSTS)),
    loops=st.integers(1, 3),
    warmup=st.integers(0, 2),
)
def test_the_assumed_part_is_between_0_and_1_and_changes_no_result(
    case: Case, cost_profile: CostProfile, assumed: set[str], loops: int, warmup: int
) -> None:
    """Ticks, counts and distributions are those of the unmodified cost profile."""
    used = lettered(cost_profile, assumed)
    result = modelled(case, used, loops=loops, warmup=warmup)
    _, plain = run_case(case, used, loops=loops, warmup=warmup)

    assert attrs.evolve(result, assumed={}) == plain
    assert all(0 <= part <= 1 for part in result.assumed.values())
    assert decode(encode(SliceReport(0, result))) == SliceReport(0, result)
