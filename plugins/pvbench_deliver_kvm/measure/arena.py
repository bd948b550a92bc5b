"""Allocation of guest memory for one slice."""

from __future__ import annotations

from typing import Final

from pvbench_deliver_kvm.vmm import layout
from pvbench_deliver_kvm.vmm.commands import GuestError
from pvbench_deliver_kvm.vmm.guest_memory import GuestMemory

_CACHE_LINE: Final = 64


class Arena:
    """Hands out guest memory from `layout.FREE_BASE` upwards; nothing is ever freed."""

    def __init__(self, memory: GuestMemory) -> None:
        self._memory = memory
        self._next = layout.FREE_BASE

    def zeros(self, size: int) -> int:
        """
        The address of *size* bytes of zeros, aligned to a cache line.

        Raises:
            GuestError: the guest has too little memory.
        """
        address = self._next
        self._next += -(-size // _CACHE_LINE) * _CACHE_LINE
        if self._next > layout.MEMORY_SIZE:
            free = (layout.MEMORY_SIZE - layout.FREE_BASE) >> 20
            raise GuestError(f"the task needs more than the guest's {free} MiB of memory")
        self._memory.clear(address, size)
        return address

    def put(self, data: bytes) -> int:
        """The address of a copy of *data*."""
        address = self.zeros(len(data))
        self._memory.write(address, data)
        return address
