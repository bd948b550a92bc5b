"""shorthand: self, all and all-but-self without a destination."""

from __future__ import annotations

import pytest

from pvbench.ops import Fence, MmioWrite, WaitIcrIdle, WrMsr
from support.helpers import MSR_X2APIC_ICR, NMI, XAPIC_ICR, burst_of, only, sent

ROWS = [
    pytest.param("send_IPI_all", 0x8_00FC, id="all"),
    pytest.param("send_IPI_allbutself", 0xC_00FC, id="all-but-self"),
]


@pytest.mark.parametrize(("operation", "icr"), ROWS)
def test_over_x2apic_it_is_a_fence_and_one_write(operation: str, icr: int) -> None:
    """It does so even in a kernel of 2018, which used no shorthands in x2APIC mode."""
    sending = sent("shorthand/x2apic-physical", burst_of(operation), range(20))

    assert sending.program == (Fence(), WrMsr(MSR_X2APIC_ICR, icr))


def test_over_x2apic_self_is_the_self_ipi_register() -> None:
    """The vector is written to MSR 0x83f."""
    sending = sent("shorthand/x2apic-cluster", burst_of("send_IPI_self"), range(20))

    assert sending.program == (WrMsr(0x83F, 0xFC),)


@pytest.mark.parametrize(
    ("operation", "icr"), [*ROWS, pytest.param("send_IPI_self", 0x4_00FC, id="self")]
)
def test_over_xapic_it_is_a_poll_and_one_write(operation: str, icr: int) -> None:
    """__default_send_IPI_shortcut() writes only the low word."""
    sending = sent("shorthand/xapic-physical", burst_of(operation), range(20))

    assert sending.program == (WaitIcrIdle(0), MmioWrite(XAPIC_ICR, icr))


def test_an_nmi_over_xapic_waits_a_bounded_time() -> None:
    """It polls up to 1000 times, then sends the NMI regardless."""
    burst = burst_of("send_IPI_allbutself", vector=NMI)
    sending = sent("shorthand/xapic-flat", burst, range(4))

    assert sending.program == (WaitIcrIdle(1000), MmioWrite(XAPIC_ICR, 0xC_0400))


def test_an_nmi_over_x2apic_has_its_delivery_mode() -> None:
    """The SELF IPI register carries only a vector, so an NMI cannot use it."""
    bursts = [burst_of(f"send_IPI_{to}", vector=NMI) for to in ("self", "allbutself")]
    sendings = [sent("shorthand/x2apic-physical", burst, range(4)) for burst in bursts]

    values = [op for sending in sendings for op in only(WrMsr, sending.program)]

    assert values == [WrMsr(MSR_X2APIC_ICR, 0x4_0400), WrMsr(MSR_X2APIC_ICR, 0xC_0400)]


def test_a_full_broadcast_of_function_calls_uses_the_shorthand() -> None:
    """The mask plus the sender equals the online CPUs, so Linux sends to all but self."""
    burst = burst_of("smp_call_function_many", 1, 2, 3)
    sending = sent("shorthand/x2apic-cluster", burst, range(4))

    assert (1, {"send_IPI_allbutself"}) == (
        len(only(WrMsr, sending.program)),
        set(sending.overlaid),
    )


def test_a_partial_mask_stays_native() -> None:
    """A shorthand cannot name a subset."""
    burst = burst_of("smp_call_function_many", 1, 2)
    sending = sent("shorthand/x2apic-physical", burst, range(4))

    assert (2, frozenset()) == (len(only(WrMsr, sending.program)), sending.overlaid)
