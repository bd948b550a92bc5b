"""The CPUID table of a vCPU, as ioctls read and write it."""

from __future__ import annotations

import ctypes
from typing import Final

from pvbench_deliver_kvm.vmm import uapi

MAX_ENTRIES: Final = 512


class Cpuid:
    """Entries of a CPUID table."""

    def __init__(self, entries: list[uapi.kvm_cpuid_entry2]) -> None:
        self.entries = entries

    @property
    def vendor(self) -> bytes:
        """The vendor string of leaf 0, ``GenuineIntel``; empty without that leaf."""
        for leaf in self.entries:
            if leaf.function == 0:
                words = (leaf.ebx, leaf.edx, leaf.ecx)
                return b"".join(word.to_bytes(4, "little") for word in words)
        return b""

    def buffer(self) -> ctypes.Array[ctypes.c_char]:
        """``struct kvm_cpuid2`` followed by its entries."""
        head = bytes(uapi.kvm_cpuid2(nent=len(self.entries)))
        return ctypes.create_string_buffer(head + b"".join(map(bytes, self.entries)))

    @classmethod
    def from_buffer(cls, buffer: ctypes.Array[ctypes.c_char]) -> Cpuid:
        """The table that an ioctl has written into a buffer of `empty_buffer`."""
        head, entry = ctypes.sizeof(uapi.kvm_cpuid2), ctypes.sizeof(uapi.kvm_cpuid_entry2)
        count = uapi.kvm_cpuid2.from_buffer(buffer).nent
        offsets = range(head, head + count * entry, entry)
        return cls(
            [uapi.kvm_cpuid_entry2.from_buffer_copy(buffer, offset) for offset in offsets]
        )


def empty_buffer() -> ctypes.Array[ctypes.c_char]:
    """Memory for an ioctl that returns at most MAX_ENTRIES entries."""
    head, entry = ctypes.sizeof(uapi.kvm_cpuid2), ctypes.sizeof(uapi.kvm_cpuid_entry2)
    return ctypes.create_string_buffer(
        bytes(uapi.kvm_cpuid2(nent=MAX_ENTRIES)), head + MAX_ENTRIES * entry
    )
