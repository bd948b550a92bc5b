"""xapic-physical: one ICR2 and ICR pair per target."""

from __future__ import annotations

import pytest

from pvbench.ops import IrqRestore, IrqSave, MmioWrite, Scan, WaitIcrIdle
from support.helpers import CURRENT, NMI, XAPIC_ICR, XAPIC_ICR2, burst_of, masked, only, sent

STACK = "xapic-physical"


def test_each_target_is_a_poll_and_two_writes_with_interrupts_off() -> None:
    """default_send_IPI_mask_sequence_phys() loops over the mask in CPU order."""
    assert masked(STACK, [9, 4], source_id=0) == (
        IrqSave(),
        Scan(2),
        WaitIcrIdle(0),
        MmioWrite(XAPIC_ICR2, 9 << 24),
        MmioWrite(XAPIC_ICR, 0xFC),
        WaitIcrIdle(0),
        MmioWrite(XAPIC_ICR2, 4 << 24),
        MmioWrite(XAPIC_ICR, 0xFC),
        IrqRestore(),
    )


def test_unicast_is_physical_too() -> None:
    """The physflat driver sends to one APIC ID with interrupts off."""
    assert sent(STACK, burst_of("send_IPI", 1), (0, 254)).program == (
        IrqSave(),
        WaitIcrIdle(0),
        MmioWrite(XAPIC_ICR2, 254 << 24),
        MmioWrite(XAPIC_ICR, 0xFD),
        IrqRestore(),
    )


def test_an_nmi_waits_a_bounded_time_before_each_target() -> None:
    """safe_apic_wait_icr_idle() polls at most 1000 times."""
    ops = masked(STACK, [1, 2], vector=NMI, source_id=0)

    assert [WaitIcrIdle(1000)] * 2 == only(WaitIcrIdle, ops)
    assert [op.value for op in only(MmioWrite, ops)[1::2]] == [0x400, 0x400]


@pytest.mark.parametrize(
    ("operation", "icr"),
    [
        pytest.param("send_IPI_self", 0x4_00FC, id="self"),
        pytest.param("send_IPI_all", 0x8_00FC, id="all"),
        pytest.param("send_IPI_allbutself", 0xC_00FC, id="all-but-self"),
    ],
)
def test_a_shorthand_is_one_poll_and_the_low_word(operation: str, icr: int) -> None:
    """A shorthand needs no destination, so ICR2 is not written."""
    sending = sent(STACK, burst_of(operation), range(20), linux=CURRENT)

    assert sending.program == (WaitIcrIdle(0), MmioWrite(XAPIC_ICR, icr))


@pytest.mark.parametrize(
    ("operation", "destinations"),
    [
        pytest.param("send_IPI_allbutself", [5, 7], id="all-but-self"),
        pytest.param("send_IPI_all", [5, 6, 7], id="all"),
        pytest.param("send_IPI_mask_allbutself", [7], id="mask-without-self"),
    ],
)
def test_without_shorthands_each_target_is_addressed(
    operation: str, destinations: list[int]
) -> None:
    """send_IPI_mask_allbutself() skips the sender's own bit."""
    sending = sent(STACK, burst_of(operation, 1, 2, source=1), (5, 6, 7))

    writes = only(MmioWrite, sending.program)[0::2]

    assert [dest << 24 for dest in destinations] == [op.value for op in writes]
