"""Counts on the topologies of machines whose files users sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.guest import Guest
from pvbench.ops import Hypercall
from pvbench.run.prepared import prepare
from pvbench.testing.cases import case_of
from pvbench.topology import form_of, parse_guest
from support.helpers import MASKS, burst_of, stack_of

CPUINFOS = Path(__file__).parents[1] / "data/cpuinfo"


def counts_of_broadcast(guest: Guest, stack: str) -> tuple[int, int]:
    """ICR writes and hypercalls of a broadcast of CPU 0 as a mask."""
    burst = burst_of("smp_call_function_many", *guest.others(0))
    (expected,) = prepare(case_of(stack_of(stack), guest, burst, linux=MASKS)).bursts
    return expected.icr_writes, expected.hypercalls


@pytest.mark.parametrize(
    ("spec", "physical", "clusters"),
    [
        pytest.param(f"cpuinfo:{CPUINFOS}/epyc-2x24x2.cpuinfo", 95, 8, id="epyc"),
        pytest.param(f"cpuinfo:{CPUINFOS}/xeon-4x8x2.cpuinfo", 63, 8, id="xeon"),
        pytest.param(f"cpuinfo:{CPUINFOS}/vm-ids-from-32.cpuinfo", 15, 2, id="vm"),
        pytest.param(f"cpuinfo:{CPUINFOS}/laptop-2x2.cpuinfo", 3, 1, id="laptop"),
        pytest.param("sockets:2x3x3x2", 35, 4, id="dies"),
    ],
)
def test_a_broadcast_needs_as_many_sends_as_counted_by_hand(
    spec: str, physical: int, clusters: int
) -> None:
    """One ICR write for each target, one for each cluster, or one hypercall."""
    guest = parse_guest(spec)

    assert counts_of_broadcast(guest, "x2apic-physical") == (physical, 0)
    assert counts_of_broadcast(guest, "x2apic-cluster") == (clusters, 0)
    assert counts_of_broadcast(guest, "kvm-pv/x2apic-physical") == (0, 1)


def test_the_window_begins_at_the_lowest_target() -> None:
    """In a guest whose APIC IDs begin at 32 and whose CPU 0 sends, that is 33."""
    guest = parse_guest(f"cpuinfo:{CPUINFOS}/vm-ids-from-32.cpuinfo")
    burst = burst_of("smp_call_function_many", *guest.others(0))
    (expected,) = prepare(
        case_of(stack_of("kvm-pv/x2apic-physical"), guest, burst, linux=MASKS)
    ).bursts

    (call,) = (op for op in expected.program if isinstance(op, Hypercall))
    assert call.args[2] == 33


@pytest.mark.parametrize("name", ["epyc-2x24x2", "xeon-4x8x2", "vm-ids-from-32", "laptop-2x2"])
def test_the_form_of_a_file_gives_the_same_counts(name: str) -> None:
    """A reader of the results does not have the file."""
    guest = parse_guest(f"cpuinfo:{CPUINFOS}/{name}.cpuinfo")
    again = parse_guest(form_of(guest) or "")

    assert again.apic_ids == guest.apic_ids
