"""x2apic-cluster: one WRMSR per cluster of 16."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.dispatch import program
from pvbench.ops import Fence, IrqRestore, IrqSave, Scan, WrMsr
from support.helpers import (
    CURRENT,
    MASKS,
    MSR_X2APIC_ICR,
    NMI,
    burst_of,
    guest_of,
    masked,
    only,
    sent,
    stack_of,
)

STACK = "x2apic-cluster"


def destinations(ids: list[int]) -> list[int]:
    """Logical destinations in program order."""
    return [op.value >> 32 for op in only(WrMsr, masked(STACK, ids))]


def test_each_cluster_is_one_write_after_one_fence() -> None:
    """Interrupts are off for the whole loop; members are ORed."""
    assert masked(STACK, [0, 1, 15, 16]) == (
        Fence(),
        IrqSave(),
        Scan(4),
        WrMsr(MSR_X2APIC_ICR, 0x0_8003 << 32 | 0x8FC),
        WrMsr(MSR_X2APIC_ICR, 0x1_0001 << 32 | 0x8FC),
        IrqRestore(),
    )


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param([15], [0x0_8000], id="last-of-a-cluster"),
        pytest.param([16], [0x1_0001], id="first-of-the-next"),
        pytest.param([14, 15], [0x0_C000], id="two-of-one"),
        pytest.param([15, 16], [0x0_8000, 0x1_0001], id="one-of-each"),
        pytest.param([32, 0, 33], [0x2_0003, 0x0_0001], id="clusters-in-order-of-first-id"),
        pytest.param([*range(16)], [0x0_FFFF], id="a-full-cluster"),
        pytest.param([0xF_FFFF], [0xFFFF_8000], id="highest-id"),
    ],
)
def test_targets_of_one_cluster_share_a_write(ids: list[int], expected: list[int]) -> None:
    """The cluster is APIC ID >> 4; clusters follow the order of CPU numbers."""
    assert expected == destinations(ids)


@given(st.permutations([0, 1, 2, 16, 17, 40, 300]))
def test_the_count_does_not_depend_on_the_order(ids: list[int]) -> None:
    """IDs 0, 1, 2 and 16, 17 and 40 and 300 are four clusters."""
    assert len(destinations(ids)) == 4


def test_unicast_is_one_logical_bit() -> None:
    """It follows x2apic_send_IPI() of the cluster driver."""
    sending = sent(STACK, burst_of("send_IPI", 1), (0, 35))

    assert sending.program == (Fence(), WrMsr(MSR_X2APIC_ICR, 0x2_0008 << 32 | 0x8FD))


def test_an_nmi_has_its_delivery_mode_and_vector_0() -> None:
    """The destination is logical, the delivery mode NMI."""
    values = [op.value for op in only(WrMsr, masked(STACK, [0, 1], vector=NMI))]

    assert values == [0x3 << 32 | 0xC00]


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        pytest.param((1 << 20) - 1, None, id="below-two-to-the-20"),
        pytest.param(
            1 << 20,
            "APIC IDs of 2^20 and above have no unique logical x2APIC ID",
            id="two-to-the-20",
        ),
    ],
)
def test_apic_ids_from_2_to_the_20_on_are_refused(highest: int, expected: str | None) -> None:
    """A logical ID holds bits 19:4 of the APIC ID."""
    stack = stack_of(STACK)

    assert expected == stack.why_unsupported(stack.guest(guest_of((0, highest))), CURRENT)


def test_clusters_are_those_of_the_logical_ids() -> None:
    """32 CPUs with every second APIC ID are in four clusters, or in two of their own."""
    stack, burst = stack_of("x2apic-cluster"), burst_of("send_IPI_mask", *range(32))
    ids = range(0, 64, 2)
    guests = [guest_of(ids), guest_of(ids, logical_ids=range(32))]
    programs = [program(stack, burst, guest, linux=MASKS).program for guest in guests]

    assert [len(only(WrMsr, ops)) for ops in programs] == [4, 2]


@pytest.mark.parametrize(
    ("first", "count", "expected"),
    [
        pytest.param(0xFFFF0, 15, None, id="15-cpus"),
        pytest.param(
            0xFFFF0,
            16,
            "the logical x2APIC ID of all 16 CPUs of the last cluster is the broadcast",
            id="16-cpus",
        ),
        pytest.param(0xFFFE0, 16, None, id="the-cluster-before"),
    ],
)
def test_a_guest_whose_last_cluster_is_full_is_refused(
    first: int, count: int, expected: str | None
) -> None:
    """0xffffffff is the broadcast in logical destination mode too (SDM)."""
    stack = stack_of("x2apic-cluster")

    assert (
        stack.why_unsupported(guest_of((0, *range(first, first + count))), CURRENT) == expected
    )
