"""The decoder in guests with offline CPUs, other logical IDs and other VP indexes."""

from __future__ import annotations

import pytest

from pvbench.guest import Guest
from pvbench.ops import Hypercall, MmioWrite, Op, WrMsr
from support.helpers import (
    MSR_X2APIC_ICR,
    NMI,
    XAPIC_ICR,
    XAPIC_ICR2,
    burst_of,
    decoded,
    guest_of,
    hits,
    stack_of,
)

WITH_OFFLINE = guest_of(range(5), offline=(1, 4))
HYPERV = {"hypercall_abi": "hyperv"}


def icr(low: int, destination: int = 0) -> WrMsr:
    """A write to the ICR in x2APIC mode."""
    return WrMsr(MSR_X2APIC_ICR, destination << 32 | low)


@pytest.mark.parametrize(
    ("op", "vector"),
    [
        pytest.param(icr(0x8_00FC), 0xFC, id="shorthand"),
        pytest.param(icr(0xFC, 0xFFFF_FFFF), 0xFC, id="broadcast-id"),
        pytest.param(icr(0x8FC, 0x1F), 0xFC, id="logical"),
        pytest.param(icr(0x8_0400), NMI, id="nmi"),
        pytest.param(Hypercall(10, (0x1F, 0, 0, 0xFC)), 0xFC, id="kvm"),
        pytest.param(Hypercall(10, (0x1F, 0, 0, 0x400)), NMI, id="kvm-nmi"),
    ],
)
def test_no_interrupt_is_handled_on_a_cpu_that_is_offline(op: Op, vector: int) -> None:
    """Its APIC drops fixed interrupts, and Linux ignores an NMI there."""
    assert hits((op,), WITH_OFFLINE) == [(vector, 0), (vector, 2), (vector, 3)]


def test_flat_mode_reaches_no_cpu_that_is_offline() -> None:
    """KVM leaves its APIC out of the logical map."""
    guest = guest_of(range(5), offline=(1, 4), apic_mode="xapic")
    ops = (MmioWrite(XAPIC_ICR2, 0x1F << 24), MmioWrite(XAPIC_ICR, 0x8FC))

    assert hits(ops, guest) == [(0xFC, 0), (0xFC, 2), (0xFC, 3)]


def test_a_logical_destination_names_cpus_by_their_logical_ids() -> None:
    """As Xen derived them from vCPU numbers, while APIC IDs are twice as large."""
    guest = guest_of(range(0, 64, 2), logical_ids=range(32))

    assert hits((icr(0x8FC, 1 << 16 | 0b101),), guest) == [(0xFC, 16), (0xFC, 18)]
    assert hits((icr(0xFC, 4),), guest) == [(0xFC, 2)]


def test_a_lowest_priority_message_is_hashed_over_logical_ids() -> None:
    """Vector 0x41 selects the second of two members."""
    guest = guest_of((1000, 2000), logical_ids=(0, 1))

    assert hits((icr(0x941, 0b11),), guest) == [(0x41, 1)]


@pytest.mark.parametrize(
    ("vps", "mask", "cpus"),
    [
        pytest.param((), 0b110, [1, 2], id="the-cpu-numbers"),
        pytest.param((3, 2, 1, 0), 0b110, [1, 2], id="reversed"),
        pytest.param((0, 70, 1, 5), 0b10_0010, [2, 3], id="any"),
    ],
)
def test_virtual_processors_are_named_by_their_indexes(
    vps: tuple[int, ...], mask: int, cpus: list[int]
) -> None:
    """Interrupts come in the order of the vCPUs, because KVM asks one after the other."""
    guest = guest_of(range(4), vp_indexes=vps, **HYPERV)

    assert hits((Hypercall(0x1_000B, (0xFC, mask)),), guest) == [(0xFC, cpu) for cpu in cpus]


GUESTS = [
    pytest.param(guest_of(range(0, 40, 2), logical_ids=range(20)), id="logical-ids"),
    pytest.param(guest_of(range(70), vp_indexes=range(69, -1, -1)), id="vp-indexes"),
    pytest.param(guest_of(range(70), vp_indexes=range(100, 170)), id="vps-from-100"),
    pytest.param(guest_of(range(70), offline=range(1, 69, 3)), id="offline"),
]


@pytest.mark.parametrize("guest", GUESTS)
@pytest.mark.parametrize("operation", ["send_IPI_all", "send_IPI_allbutself", "send_IPI_mask"])
@pytest.mark.parametrize("stack", ["x2apic-cluster", "hyperv-ipi/x2apic-cluster"])
def test_senders_reach_exactly_the_online_cpus(
    guest: Guest, operation: str, stack: str
) -> None:
    """A call to all CPUs is one to all that are online."""
    sender = stack_of(stack)
    targets = guest.online if operation == "send_IPI_mask" else ()
    reached = decoded(sender, burst_of(operation, *targets), sender.guest(guest))

    expected = guest.online[1:] if operation == "send_IPI_allbutself" else guest.online
    assert sorted(cpu for _, cpu in reached) == list(expected)
