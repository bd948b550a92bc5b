"""xapic-flat: one ICR write reaches any subset of up to eight CPUs."""

from __future__ import annotations

import pytest

from pvbench.ops import IrqRestore, IrqSave, MmioWrite, WaitIcrIdle
from support.helpers import (
    CURRENT,
    NMI,
    XAPIC_ICR,
    XAPIC_ICR2,
    burst_of,
    guest_of,
    masked,
    only,
    sent,
    stack_of,
)

STACK = "xapic-flat"


def test_a_mask_is_a_poll_and_two_writes_with_interrupts_off() -> None:
    """Bit i of the logical destination is CPU i, independent of the APIC IDs."""
    sending = sent(STACK, burst_of("send_IPI_mask", 1, 3), (7, 9, 4, 2))

    assert sending.program == (
        IrqSave(),
        WaitIcrIdle(0),
        MmioWrite(XAPIC_ICR2, 0b1010 << 24),
        MmioWrite(XAPIC_ICR, 0x8FC),
        IrqRestore(),
    )


def test_unicast_is_a_mask_of_one() -> None:
    """flat_send_IPI calls send_IPI_mask with one logical bit."""
    sending = sent(STACK, burst_of("send_IPI", 2), (7, 9, 4, 2))

    assert only(MmioWrite, sending.program) == [
        MmioWrite(XAPIC_ICR2, 0b100 << 24),
        MmioWrite(XAPIC_ICR, 0x8FD),
    ]


def test_an_nmi_waits_a_bounded_time() -> None:
    """A crash path must not hang, so it polls at most 1000 times."""
    ops = masked(STACK, [0, 1], vector=NMI, source_id=9)

    assert [WaitIcrIdle(1000)] == only(WaitIcrIdle, ops)
    assert MmioWrite(XAPIC_ICR, 0xC00) in ops


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [
        pytest.param(8, None, id="eight"),
        pytest.param(9, "flat logical mode can address only 8 CPUs", id="nine"),
    ],
)
def test_flat_mode_serves_at_most_eight_cpus(cpus: int, expected: str | None) -> None:
    """The logical destination has eight bits."""
    stack = stack_of(STACK)

    assert expected == stack.why_unsupported(stack.guest(guest_of(range(cpus))), CURRENT)


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
    sending = sent(STACK, burst_of(operation), range(4), linux=CURRENT)

    assert sending.program == (WaitIcrIdle(0), MmioWrite(XAPIC_ICR, icr))


def test_a_broadcast_without_shorthands_is_a_mask() -> None:
    """This is a kernel of 2018, or one booted with no_ipi_broadcast."""
    sending = sent(STACK, burst_of("send_IPI_allbutself", source=1), range(4))

    assert only(MmioWrite, sending.program)[0] == MmioWrite(XAPIC_ICR2, 0b1101 << 24)
