"""The effect of a hypercall, and the registers and the memory that it reads."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pvbench.decode.memory import Memory
from pvbench.x86.hyperv import HV_HYPERCALL_MAX_XMM_REGISTERS

U32: Final = 0xFFFF_FFFF
XMM_HALVES: Final = 2 * HV_HYPERCALL_MAX_XMM_REGISTERS


class Call(NamedTuple):
    """
    The effect of a hypercall: APIC IDs or CPU numbers to interrupt, or only a result.

    Args:
        result: its return value; None stands for the number of the CPUs that have one of
            the IDs.
        error: reason why no CPU is reached.
    """

    vector: int = 0
    apic_ids: npt.NDArray[np.int64] | None = None
    cpus: npt.NDArray[np.int64] | None = None
    result: int | None = None
    error: str | None = None


class Registers:
    """
    What a hypercall reads beside its own arguments.

    Args:
        memory: guest memory.
        xmm: the halves of XMM0 to XMM5, lowest first.
    """

    def __init__(self) -> None:
        self.memory = Memory()
        self.xmm: tuple[int, ...] = (0,) * XMM_HALVES

    def load_xmm(self, halves: tuple[int, ...]) -> None:
        """Load the XMM registers with *halves*, the rest with zeros; none leaves them."""
        if halves:
            self.xmm = (*halves, *(0,) * XMM_HALVES)[:XMM_HALVES]


def bits_of(bitmap: int, bits: int) -> npt.NDArray[np.int64]:
    """Return the positions of the bits that are set, ascending."""
    raw = np.frombuffer(bitmap.to_bytes(bits // 8, "little"), np.uint8)
    return np.unpackbits(raw, bitorder="little").nonzero()[0]
