"""The memory of a guest, as this process sees it."""

from __future__ import annotations

import mmap
from ctypes import memmove, memset, string_at
from typing import Final

from pvbench_deliver_kvm.vmm import layout
from pvbench_deliver_kvm.vmm.fd import Mapping
from pvbench_deliver_kvm.vmm.mailbox import Cpu, Mailbox, Source

_MAP_NORESERVE: Final = 0x4000  # <asm-generic/mman-common.h>; Python 3.11 lacks it
_ANONYMOUS: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE


class GuestMemory(Mapping):
    """Anonymous memory that becomes guest physical memory from address 0."""

    def __init__(self) -> None:
        super().__init__(layout.MEMORY_SIZE, flags=_ANONYMOUS)  # only touched pages cost RAM

    def host_address(self, guest_physical: int) -> int:
        """The address in this process of a guest physical address."""
        return self.address + guest_physical

    def write(self, guest_physical: int, data: bytes) -> None:
        """Copy *data* into the guest."""
        memmove(self.host_address(guest_physical), data, len(data))

    def read(self, guest_physical: int, size: int) -> bytes:
        """Copy *size* bytes out of the guest."""
        return string_at(self.host_address(guest_physical), size)

    def clear(self, guest_physical: int, size: int) -> None:
        """Set *size* bytes to zero."""
        memset(self.host_address(guest_physical), 0, size)

    @property
    def mailbox(self) -> Mailbox:
        """``struct mailbox``, shared with the guest."""
        return Mailbox.from_address(self.host_address(layout.MAILBOX_BASE))

    def cpu(self, number: int) -> Cpu:
        """``struct cpu`` of a CPU, shared with the guest."""
        return Cpu.from_address(self.host_address(layout.cpu_area(number)))

    def source(self, guest_physical: int) -> Source:
        """``struct source`` at an address, shared with the guest."""
        return Source.from_address(self.host_address(guest_physical))
