"""
The counters KVM keeps of a vCPU.

Source: Linux, Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD.
"""

from __future__ import annotations

import os
from ctypes import sizeof
from typing import Final

from pvbench_deliver_kvm.vmm import uapi
from pvbench_deliver_kvm.vmm.fd import Fd, IoctlError
from pvbench_deliver_kvm.vmm.vcpu import Vcpu

# What is read; which of them exist depends on the kernel.
OBSERVED: Final = ("irq_injections", "halt_exits", "directed_yield_attempted")
WANTED: Final = ("exits", "hypercalls", "halt_wakeup", "halt_successful_poll", *OBSERVED)


class Counters(Fd):
    """Cumulative counters of one vCPU by name."""

    def __init__(self, vcpu: Vcpu, places: dict[str, int]) -> None:
        super().__init__(vcpu.get_stats_fd().number)
        self._places = places
        self._first = min(places.values(), default=0)
        self._length = max(places.values(), default=0) + 8 - self._first

    def read(self) -> dict[str, int]:
        """Their values now."""
        data = os.pread(self.number, self._length, self._first)
        return {
            name: int.from_bytes(data[at - self._first :][:8], "little")
            for name, at in self._places.items()
        }


def places(vcpu: Vcpu) -> dict[str, int]:
    """Where in the file each of WANTED is; empty where this KVM has no such file."""
    try:
        file = vcpu.get_stats_fd()
    except IoctlError:
        return {}
    with file:
        size = sizeof(uapi.kvm_stats_header)
        header = uapi.kvm_stats_header.from_buffer_copy(os.pread(file.number, size, 0))
        stride = sizeof(uapi.kvm_stats_desc) + header.name_size
        table = os.pread(file.number, stride * header.num_desc, header.desc_offset)
    return dict(
        found
        for at in range(0, len(table), stride)
        if (found := _place(table[at : at + stride], header.data_offset))[0] in WANTED
    )


def _place(description: bytes, data_offset: int) -> tuple[str, int]:
    size = sizeof(uapi.kvm_stats_desc)
    known = uapi.kvm_stats_desc.from_buffer_copy(description)
    name = description[size:].split(b"\0")[0].decode()
    return name, data_offset + known.offset
