"""AVIC on an EPYC of family 17h: what it wins before Linux 6.17, and nothing from then on."""

from __future__ import annotations

import attrs
import pytest

from pvbench.linux_era import LinuxEra
from pvbench_deliver_model.cost_file import bundled, read
from pvbench_deliver_model.cost_profile import CostProfile
from support.helpers import CURRENT, MASKS, guest_of
from support.model import call, case_of, run_case

AVIC = read("epyc-rome-avic")
NO_AVIC = read("epyc-rome")
LATER = attrs.evolve(AVIC, host_linux="6.17")


def wall_ps(profile: CostProfile, stack: str, targets: int, *, linux: LinuxEra) -> float:
    """A call to all other CPUs, which run."""
    guest, burst = guest_of(range(targets + 1)), call(0, *range(1, targets + 1))
    case = case_of(stack, guest, burst, linux=linux)
    return run_case(case, profile, loops=3, warmup=3)[1].distributions["wall"].median


def others(targets: int, *, linux: LinuxEra) -> list[float]:
    """What the same host can do without sending by AVIC: x2APIC, and PV IPIs in both modes."""
    stacks = ("x2apic-physical", "kvm-pv/x2apic-physical", "x2apic-cluster")
    without = [wall_ps(NO_AVIC, stack, targets, linux=linux) for stack in stacks]
    pv = wall_ps(AVIC, "kvm-pv/xapic-physical", targets, linux=linux)
    return [*without, pv]


def test_before_6_17_avic_wins_for_one_target() -> None:
    """The send takes 2219 cycles, a hypercall 3756."""
    pv = wall_ps(NO_AVIC, "kvm-pv/x2apic-physical", 1, linux=MASKS)

    assert wall_ps(AVIC, "xapic-physical", 1, linux=MASKS) < min(
        pv, wall_ps(NO_AVIC, "x2apic-physical", 1, linux=MASKS)
    )


def test_before_6_17_avic_loses_a_broadcast_by_shorthand_to_179() -> None:
    """With AVIC it takes 1.07 us a target; without AVIC it is clearly faster."""
    avic = wall_ps(AVIC, "xapic-physical", 179, linux=CURRENT)
    without = wall_ps(NO_AVIC, "x2apic-physical", 179, linux=CURRENT)

    assert avic == pytest.approx(179 * 1_070_000, rel=0.01)
    assert without < 0.9 * avic


def test_before_6_17_avic_loses_a_broadcast_as_masks_to_179() -> None:
    """A write for each target against two hypercalls."""
    avic = wall_ps(AVIC, "xapic-physical", 179, linux=MASKS)

    assert wall_ps(NO_AVIC, "kvm-pv/x2apic-physical", 179, linux=MASKS) < avic


@pytest.mark.parametrize("targets", [1, 2, 7, 16, 64, 179])
@pytest.mark.parametrize("linux", [CURRENT, MASKS], ids=["shorthands", "masks"])
def test_from_6_17_on_avic_wins_nothing(targets: int, linux: LinuxEra) -> None:
    """Each send exits besides what it costs, by erratum 1235."""
    avic = wall_ps(LATER, "xapic-physical", targets, linux=linux)

    assert min(others(targets, linux=linux)) < avic


def test_a_unicast_of_x2avic_is_as_published_with_and_without_the_fence() -> None:
    """Commit 04c3024560d3: 1172.42 and 1117.44 ns; the second one was fitted to."""
    genoa = read("epyc-genoa-x2avic")
    case = case_of("x2apic-physical", guest_of(range(2)), call(0, 1))
    fence = genoa.ps("fence")
    deliver = run_case(case, genoa, loops=3)[1].distributions["deliver"].median

    assert deliver == pytest.approx(1_172_420, rel=0.005)
    assert deliver - fence == pytest.approx(1_117_440, rel=0.005)


@pytest.mark.parametrize("targets", [2, 16, 31, 100])
def test_a_write_to_a_cluster_is_no_slower_than_a_write_to_each_of_its_cpus(
    targets: int,
) -> None:
    """x2AVIC does the same for each target, and has fewer writes to decode."""
    genoa = read("epyc-genoa-x2avic")
    cluster, physical = (
        wall_ps(genoa, stack, targets, linux=MASKS)
        for stack in ("x2apic-cluster", "x2apic-physical")
    )

    assert cluster < physical


@pytest.mark.parametrize("name", bundled())
def test_a_further_target_costs_no_more_than_a_write_to_it(name: str) -> None:
    """A bundled cost profile has deliver_direct below icr_direct."""
    profile = read(name)

    assert profile.ps("deliver_direct") < profile.ps("icr_direct")
