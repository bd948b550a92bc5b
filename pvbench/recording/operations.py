"""
Operations: what a host sees of the sends of its guests.

Source: Linux, arch/x86/kvm/trace.h.
"""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.x86.apic import (
    APIC_DEST_ALLBUT,
    APIC_DEST_ALLINC,
    APIC_DEST_LOGICAL,
    APIC_DEST_SELF,
    APIC_VECTOR_MASK,
    SHORTHAND_MASK,
)
from pvbench.x86.kvm_para import KVM_HC_SEND_IPI

ICR: Final = "icr"
HYPERCALL: Final = "hypercall"
HYPERV: Final = "hyperv"
MECHANISMS: Final = (ICR, HYPERCALL, HYPERV)
UNKNOWN: Final = -1
_SHORTHANDS: Final = {
    APIC_DEST_SELF: "self",
    APIC_DEST_ALLINC: "all",
    APIC_DEST_ALLBUT: "all but self",
}


@attrs.frozen
class Operation:
    """
    One write to the ICR or one hypercall.

    Args:
        mechanism: from MECHANISMS.
        args: of a write the low and the high word of the ICR; of a hypercall of KVM its
            number and its arguments; of one of Hyper-V the vector, and the CPUs' mask or
            the mask of banks.
    """

    mechanism: str
    args: tuple[int, ...]

    @property
    def sends(self) -> bool:
        """Whether it sends IPIs, as far as the host can tell from it."""
        return self.mechanism != HYPERCALL or self.args[0] == KVM_HC_SEND_IPI

    @property
    def vector(self) -> int | None:
        """The vector; None for a hypercall that sends nothing."""
        if self.mechanism == HYPERCALL:
            return self.args[4] & APIC_VECTOR_MASK if self.sends else None
        return self.args[0] & APIC_VECTOR_MASK

    @property
    def destination(self) -> str:
        """The destination in words, with APIC IDs as the host shows them."""
        if self.mechanism == ICR:
            low, high = self.args
            if shorthand := _SHORTHANDS.get(low & SHORTHAND_MASK):
                return shorthand
            mode = "logical ID" if low & APIC_DEST_LOGICAL else "APIC ID"
            return f"{mode} {high:#x}" if low & APIC_DEST_LOGICAL else f"{mode} {high}"
        if self.mechanism == HYPERV:
            return f"mask {self.args[1]:#x}"
        ids = self.apic_ids
        return f"APIC IDs {', '.join(map(str, ids))}" if ids else "none"

    @property
    def apic_ids(self) -> tuple[int, ...]:
        """The APIC IDs in the bitmap of a hypercall KVM_HC_SEND_IPI."""
        if self.mechanism != HYPERCALL or not self.sends:
            return ()
        _, low, high, first, _ = self.args
        bits = low | high << 64
        return tuple(first + bit for bit in range(128) if bits >> bit & 1)


@attrs.frozen(kw_only=True, eq=False)
class Operations:
    """
    Operations in the order of the trace.

    Args:
        time: in the unit of the recording's clock; empty if there is none.
        vcpu: the virtual CPU, or UNKNOWN.
        operation: index into *table*.
        burst: a number that operations share if they may be one burst of one vCPU.  It is
            inferred: no other exit is between them, and they have one vector.
        table: the distinct operations.
        missing: a sentence about the sends that cannot be in the trace.
    """

    time: npt.NDArray[np.int64]
    vcpu: npt.NDArray[np.int32]
    operation: npt.NDArray[np.uint32]
    burst: npt.NDArray[np.uint32]
    table: tuple[Operation, ...] = ()
    missing: str = ""

    def __len__(self) -> int:
        return len(self.operation)


def no_operations() -> Operations:
    """Columns without rows."""
    return Operations(
        time=np.zeros(0, np.int64),
        vcpu=np.zeros(0, np.int32),
        operation=np.zeros(0, np.uint32),
        burst=np.zeros(0, np.uint32),
    )
