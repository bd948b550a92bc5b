"""
The counters that KVM keeps for a vCPU.

Source: Linux, Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD.
"""

from __future__ import annotations

import os
from ctypes import sizeof
from typing import Final

from pvbench_deliver_kvm.vmm import uapi
from pvbench_deliver_kvm.vmm.fd import Fd, IoctlError
from pvbench_deliver_kvm.vmm.vcpu import Vcpu

# Which of these counters exist depends on the kernel.
OBSERVED: Final = ("irq_injections", "halt_exits", "directed_yield_attempted")
WANTED: Final = ("exits", "hypercalls", "halt_wakeup", "halt_successful_poll", *OBSERVED)


class Counters(Fd):
    """
    The cumulative counters of one vCPU.

    Args:
        offsets: where each counter is in the file, from `counter_offsets`.
    """

    def __init__(self, vcpu: Vcpu, offsets: dict[str, int]) -> None:
        super().__init__(vcpu.get_stats_fd().number)
        self._offsets = offsets
        self._start = min(offsets.values(), default=0)
        self._length = max(offsets.values(), default=0) + 8 - self._start

    def read(self) -> dict[str, int]:
        """The values now, by name of the counter."""
        values = os.pread(self.number, self._length, self._start)
        return {
            name: int.from_bytes(values[offset - self._start :][:8], "little")
            for name, offset in self._offsets.items()
        }


def counter_offsets(vcpu: Vcpu) -> dict[str, int]:
    """The offsets of the counters in WANTED; empty if KVM has no such file."""
    try:
        file = vcpu.get_stats_fd()
    except IoctlError:
        return {}
    with file:
        size = sizeof(uapi.kvm_stats_header)
        header = uapi.kvm_stats_header.from_buffer_copy(os.pread(file.number, size, 0))
        stride = sizeof(uapi.kvm_stats_desc) + header.name_size
        table = os.pread(file.number, stride * header.num_desc, header.desc_offset)
    rows = (table[start : start + stride] for start in range(0, len(table), stride))
    offsets = dict(_name_and_offset(row, header.data_offset) for row in rows)
    return {name: offset for name, offset in offsets.items() if name in WANTED}


def _name_and_offset(row: bytes, data_offset: int) -> tuple[str, int]:
    size = sizeof(uapi.kvm_stats_desc)
    description = uapi.kvm_stats_desc.from_buffer_copy(row)
    name = row[size:].split(b"\0")[0].decode()
    return name, data_offset + description.offset
