"""
Local APIC registers and fields, spelt as in Linux's asm/apicdef.h.

Intel SDM vol. 3, "Advanced Programmable Interrupt Controller (APIC)".
"""

from __future__ import annotations

from typing import Final

APIC_DEFAULT_PHYS_BASE: Final = 0xFEE0_0000  # the xAPIC page

APIC_EOI: Final = 0xB0
APIC_SPIV: Final = 0xF0  # "Spurious-Interrupt Vector Register"
APIC_SPIV_APIC_ENABLED: Final = 1 << 8
APIC_ICR: Final = 0x300  # "Interrupt Command Register", low half; its write sends
APIC_DEST_SELF: Final = 0x4_0000  # "Destination Shorthand", bits 19:18
APIC_DEST_ALLINC: Final = 0x8_0000
APIC_DEST_ALLBUT: Final = 0xC_0000
APIC_INT_LEVELTRIG: Final = 0x0_8000  # "Trigger Mode"
APIC_INT_ASSERT: Final = 0x0_4000  # "Level"
APIC_ICR_BUSY: Final = 0x0_1000  # "Delivery Status"; absent in x2APIC
APIC_DEST_LOGICAL: Final = 0x0_0800
APIC_DM_FIXED: Final = 0x0_0000  # "Delivery Mode", bits 10:8
APIC_DM_LOWEST: Final = 0x0_0100
APIC_DM_SMI: Final = 0x0_0200
APIC_DM_NMI: Final = 0x0_0400
APIC_DM_INIT: Final = 0x0_0500
APIC_DM_EXTINT: Final = 0x0_0700
APIC_VECTOR_MASK: Final = 0x0_00FF
APIC_MODE_MASK: Final = 0x0_0700
APIC_ICR2: Final = 0x310  # high half: destination in bits 31:24 (xAPIC)
APIC_SELF_IPI: Final = 0x3F0  # "SELF IPI Register", x2APIC only

APIC_BASE_MSR: Final = 0x800  # first x2APIC MSR

XAPIC_BROADCAST: Final = 0xFF
X2APIC_BROADCAST: Final = 0xFFFF_FFFF

NMI_VECTOR: Final = 0x02
FIRST_LEGAL_VECTOR: Final = 0x10  # "Send Illegal Vector" below
FIRST_EXTERNAL_VECTOR: Final = 0x20
# Legal vectors of exceptions with an error code: #AC, #CP, #VC, #SX (SDM, APM).
ERROR_CODE_VECTORS: Final = (0x11, 0x15, 0x1D, 0x1E)
CALL_FUNCTION_SINGLE_VECTOR: Final = 0xFB
CALL_FUNCTION_VECTOR: Final = 0xFC
RESCHEDULE_VECTOR: Final = 0xFD
IRQ_WORK_VECTOR: Final = 0xF6

SHORTHAND_MASK: Final = 0xC_0000
X2APIC_LOGICAL_IDS: Final = 1 << 20  # a logical ID holds bits 19:4 of the APIC ID
XAPIC_FLAT_CPUS: Final = 8


def x2apic_msr(register: int) -> int:
    """MSR of an xAPIC register offset (SDM, "x2APIC Register Address Space")."""
    return APIC_BASE_MSR + (register >> 4)


def x2apic_logical_id(apic_id: int) -> int:
    """Cluster in bits 31:16, one bit of 16 below (SDM, "Logical x2APIC ID")."""
    return (apic_id >> 4 & 0xFFFF) << 16 | 1 << (apic_id & 0xF)


def icr_low(vector: int, fields: int = 0) -> int:
    """
    Low word of the ICR for *vector*, with destination mode or shorthand *fields*.

    As Linux's __prepare_ICR(): an NMI has its own delivery mode and vector 0.
    """
    if vector == NMI_VECTOR:
        return fields | APIC_DM_NMI
    return fields | APIC_DM_FIXED | vector
