"""Hyper-V hypercalls: numbers of Linux's hyperv-tlfs.h and of the TLFS."""

from __future__ import annotations

from typing import Final

HVCALL_SEND_IPI: Final = 0x000B
HVCALL_SEND_IPI_EX: Final = 0x0015
HVCALL_POST_MESSAGE: Final = 0x005C
# Others that KVM serves: TLB flushes, spin waits, events, debugging, extended calls.
HVCALL_OTHERS: Final = frozenset(
    (0x0002, 0x0003, 0x0008, 0x0013, 0x0014, 0x005D, 0x0069, 0x006A, 0x006B, 0x8001)
)

HV_HYPERCALL_FAST_BIT: Final = 1 << 16  # arguments in registers, no input page
HV_HYPERCALL_VARHEAD_OFFSET: Final = 17  # size of the variable header, 8-byte units
HV_HYPERCALL_VARHEAD_MASK: Final = 0x3FF << HV_HYPERCALL_VARHEAD_OFFSET
HV_HYPERCALL_CODE_MASK: Final = 0xFFFF
HV_HYPERCALL_REP_MASK: Final = 0xFFF << 32 | 0xFFF << 48  # count and start index
HV_HYPERCALL_RSVD_MASK: Final = 0x1F << 27 | 0xF << 44 | 0xF << 60
HV_HYPERCALL_MAX_XMM_REGISTERS: Final = 6

HV_GENERIC_SET_SPARSE_4K: Final = 0
HV_GENERIC_SET_ALL: Final = 1
HV_VCPUS_PER_SPARSE_BANK: Final = 64
HV_MAX_SPARSE_VCPU_BANKS: Final = 64

HV_STATUS_SUCCESS: Final = 0
HV_STATUS_INVALID_HYPERCALL_CODE: Final = 2
HV_STATUS_INVALID_HYPERCALL_INPUT: Final = 3

HV_IPI_LOW_VECTOR: Final = 0x10
HV_IPI_HIGH_VECTOR: Final = 0xFF
