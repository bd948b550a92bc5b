"""
What a local APIC does with a message of the ICR or of KVM_HC_SEND_IPI.

Source: Linux, arch/x86/kvm/lapic.c, __apic_accept_irq().
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from pvbench.x86.apic import (
    APIC_DM_EXTINT,
    APIC_DM_FIXED,
    APIC_DM_INIT,
    APIC_DM_LOWEST,
    APIC_DM_NMI,
    APIC_DM_SMI,
    APIC_INT_ASSERT,
    APIC_INT_LEVELTRIG,
    APIC_MODE_MASK,
    APIC_VECTOR_MASK,
    FIRST_LEGAL_VECTOR,
    NMI_VECTOR,
)


class Message(NamedTuple):
    """
    The effect of a message on a CPU.

    Args:
        vector: of the interrupt that the CPU handles.
        accepted: KVM counts the CPU as one that it has reached.
        error: reason why the CPU handles no interrupt.
    """

    vector: int = 0
    accepted: bool = True
    error: str | None = None


_STATE_CHANGES: Final = {APIC_DM_SMI: "an SMI", APIC_DM_INIT: "INIT"}


@lru_cache(maxsize=256)
def message_of(icr: int) -> Message:
    """The effect of the message with the low ICR word *icr* on an APIC that is enabled."""
    mode, vector = icr & APIC_MODE_MASK, icr & APIC_VECTOR_MASK
    if mode == APIC_DM_NMI:
        return Message(NMI_VECTOR)
    if mode in (APIC_DM_FIXED, APIC_DM_LOWEST):
        return _fixed(icr, vector)
    if what := _STATE_CHANGES.get(mode):
        return Message(error=f"{what} changes the state of a CPU, which is not decoded")
    accepted = mode != APIC_DM_EXTINT
    return Message(accepted=accepted, error=f"delivery mode {mode >> 8} interrupts no CPU")


def changes_state(icr: int) -> bool:
    """Whether the message is an SMI or INIT, which does more than interrupt a CPU."""
    return icr & APIC_MODE_MASK in _STATE_CHANGES


def _fixed(icr: int, vector: int) -> Message:
    """A vector below 0x10 is accepted, and then stays in the IRR forever."""
    if icr & APIC_INT_LEVELTRIG and not icr & APIC_INT_ASSERT:
        why = f"ICR {icr:#x} is level-triggered without assert, which is ignored"
        return Message(accepted=False, error=why)
    if vector < FIRST_LEGAL_VECTOR:
        return Message(error=f"vector {vector:#x} is illegal to send")
    return Message(vector)
