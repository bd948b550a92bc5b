"""Op sequences that several senders share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pvbench.ops import Fence, IrqRestore, IrqSave, MmioWrite, WaitIcrIdle, WrMsr
from pvbench.sender import Apic, Ops
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_DEST_ALLBUT,
    APIC_DEST_ALLINC,
    APIC_DEST_SELF,
    APIC_ICR,
    APIC_ICR2,
    APIC_SELF_IPI,
    NMI_VECTOR,
    icr_low,
    x2apic_msr,
)

INPUT_PAGE_BASE: Final = 0x800_0000  # guest-physical address of CPU 0's input page
PAGE_SIZE: Final = 4096
NMI_ICR_POLLS: Final = 1000  # safe_apic_wait_icr_idle(): a crash path must not hang

SHORTHANDS: Final = {
    "self": APIC_DEST_SELF,
    "all": APIC_DEST_ALLINC,
    "allbutself": APIC_DEST_ALLBUT,
}


def input_page(cpu: int) -> int:
    """Address of the hypercall input page of *cpu*; each CPU has its own, as in Linux."""
    return INPUT_PAGE_BASE + cpu * PAGE_SIZE


def irqs_off(ops: Iterable[object]) -> Ops:
    """Run *ops* between local_irq_save() and local_irq_restore()."""
    yield IrqSave()
    yield from ops  # type: ignore[misc]
    yield IrqRestore()


def words(bitmap: int, count: int, bits: int = 64) -> tuple[int, ...]:
    """Split off the *count* lowest machine words of a bitmap, lowest first."""
    mask = (1 << bits) - 1
    return tuple(bitmap >> bits * i & mask for i in range(count))


def xapic_send(destination: int, icr: int) -> Ops:
    """Wait until the ICR is idle, write the destination, then write the low word to send."""
    is_nmi = icr & 0xFF == 0
    yield WaitIcrIdle(NMI_ICR_POLLS if is_nmi else 0)
    yield MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR2, destination << 24)
    yield MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR, icr)


def xapic_shorthand(shorthand: str, vector: int) -> Ops:
    """Follow __default_send_IPI_shortcut(): only the low word is written."""
    yield WaitIcrIdle(NMI_ICR_POLLS if vector == NMI_VECTOR else 0)
    icr = icr_low(vector, SHORTHANDS[shorthand])
    yield MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR, icr)


def x2apic_fence(apic: Apic) -> Ops:
    """Follow weak_wrmsr_fence(): earlier stores must be visible before an IPI."""
    if apic.linux.fence:
        yield Fence()


def x2apic_shorthand(apic: Apic, shorthand: str, vector: int) -> Ops:
    """Follow __x2apic_send_IPI_shorthand(); a self-IPI uses the SELF IPI register."""
    if shorthand == "self" and vector != NMI_VECTOR:
        yield WrMsr(x2apic_msr(APIC_SELF_IPI), vector)
    else:
        yield from x2apic_fence(apic)
        yield WrMsr(x2apic_msr(APIC_ICR), icr_low(vector, SHORTHANDS[shorthand]))
