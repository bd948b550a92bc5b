"""x2apic-physical: one WRMSR per target."""

from __future__ import annotations

import pytest

from pvbench.linux_era import LinuxEra
from pvbench.ops import Fence, IrqRestore, IrqSave, Scan, WrMsr
from support.helpers import (
    CURRENT,
    FIRST_PV,
    MSR_X2APIC_ICR,
    NMI,
    burst_of,
    guest_of,
    masked,
    only,
    sent,
    stack_of,
)

STACK = "x2apic-physical"


def test_each_target_is_one_write_after_one_fence() -> None:
    """There is one mfence;lfence per mask and no poll; the loop runs with interrupts off."""
    assert masked(STACK, [9, 0x7FFF_FFFF, 4]) == (
        Fence(),
        IrqSave(),
        Scan(3),
        WrMsr(MSR_X2APIC_ICR, 9 << 32 | 0xFC),
        WrMsr(MSR_X2APIC_ICR, 0x7FFF_FFFF << 32 | 0xFC),
        WrMsr(MSR_X2APIC_ICR, 4 << 32 | 0xFC),
        IrqRestore(),
    )


def test_unicast_is_a_fence_and_a_write() -> None:
    """x2apic_send_IPI() leaves interrupts alone."""
    sending = sent(STACK, burst_of("send_IPI", 1), (0, 300))

    assert sending.program == (Fence(), WrMsr(MSR_X2APIC_ICR, 300 << 32 | 0xFD))


def test_an_nmi_has_its_delivery_mode_and_vector_0() -> None:
    """It follows __prepare_ICR()."""
    values = [op.value for op in only(WrMsr, masked(STACK, [1, 2], vector=NMI))]

    assert values == [1 << 32 | 0x400, 2 << 32 | 0x400]


def test_a_mask_allbutself_skips_the_sender() -> None:
    """__x2apic_send_IPI_mask() does so for APIC_DEST_ALLBUT."""
    sending = sent(STACK, burst_of("send_IPI_mask_allbutself", 0, 1, 2, source=1), (5, 6, 7))

    assert [op.value >> 32 for op in only(WrMsr, sending.program)] == [5, 7]


def test_id_255_is_an_ordinary_x2apic_id() -> None:
    """In x2APIC mode only 0xffffffff means broadcast."""
    stack = stack_of(STACK)

    assert stack.why_unsupported(stack.guest(guest_of((254, 255, 256))), CURRENT) is None
    assert [op.value for op in only(WrMsr, masked(STACK, [255]))] == [0xFF << 32 | 0xFC]


@pytest.mark.parametrize("stack", ["x2apic-physical", "x2apic-cluster"])
@pytest.mark.parametrize(
    ("operation", "icr"),
    [
        pytest.param("send_IPI_all", 0x8_00FC, id="all"),
        pytest.param("send_IPI_allbutself", 0xC_00FC, id="all-but-self"),
    ],
)
def test_a_shorthand_is_a_fence_and_one_write_to_destination_0(
    stack: str, operation: str, icr: int
) -> None:
    """__x2apic_send_IPI_shorthand(): x2APIC MSRs are special and need a special fence."""
    sending = sent(stack, burst_of(operation), range(20), linux=CURRENT)

    assert sending.program == (Fence(), WrMsr(MSR_X2APIC_ICR, icr))


@pytest.mark.parametrize("linux", [CURRENT, FIRST_PV], ids=["since-5.4", "2018"])
def test_a_self_ipi_uses_the_self_ipi_register(linux: LinuxEra) -> None:
    """x2apic_send_IPI_self() is an apic_write() without a fence, the vector alone."""
    burst = burst_of("send_IPI_self", vector=0xF6)

    assert sent(STACK, burst, range(4), linux=linux).program == (WrMsr(0x83F, 0xF6),)
