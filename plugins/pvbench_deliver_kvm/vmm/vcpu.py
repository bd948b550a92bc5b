"""One vCPU of a guest."""

from __future__ import annotations

import ctypes
import errno
import mmap
import signal
from typing import Final

from pvbench_deliver_kvm.vmm import uapi
from pvbench_deliver_kvm.vmm.cpuid import Cpuid
from pvbench_deliver_kvm.vmm.exits import Interrupted, VcpuExit, exit_of
from pvbench_deliver_kvm.vmm.fd import Fd, IoctlError, Mapping, ref

_SIGSET_BYTES: Final = 8  # of the kernel's sigset_t
_ALL_SIGNALS: Final = (1 << 8 * _SIGSET_BYTES) - 1


class Vcpu(Fd):
    """See Documentation/virt/kvm/api.rst, "vcpu ioctls"."""

    def __init__(self, number: int, mmap_size: int) -> None:
        super().__init__(number)
        try:
            self._run = Mapping(mmap_size, fd=number, flags=mmap.MAP_SHARED)
        except BaseException:
            super().close()
            raise
        self.state = uapi.kvm_run.from_address(self._run.address)

    def close(self) -> None:
        """Unmap, then close."""
        self._run.close()
        super().close()

    def run(self) -> VcpuExit:
        """
        See KVM_RUN.

        Raises:
            IoctlError: KVM cannot run the vCPU.
        """
        try:
            self.ioctl("KVM_RUN", uapi.KVM_RUN)
        except IoctlError as error:
            if error.number in (errno.EINTR, errno.EAGAIN):
                return Interrupted()
            raise
        return exit_of(self.state)

    def set_signal_mask(self, unblocked: signal.Signals) -> None:
        """See KVM_SET_SIGNAL_MASK: during KVM_RUN every signal but *unblocked* is blocked."""
        sigset = _ALL_SIGNALS & ~(1 << unblocked - 1)
        head = uapi.kvm_signal_mask(len=_SIGSET_BYTES)
        argument = ctypes.create_string_buffer(
            bytes(head) + sigset.to_bytes(_SIGSET_BYTES, "little")
        )
        self.ioctl("KVM_SET_SIGNAL_MASK", uapi.KVM_SET_SIGNAL_MASK, argument)

    def set_cpuid2(self, cpuid: Cpuid) -> None:
        """See KVM_SET_CPUID2."""
        self.ioctl("KVM_SET_CPUID2", uapi.KVM_SET_CPUID2, cpuid.buffer())

    def get_regs(self) -> uapi.kvm_regs:
        """See KVM_GET_REGS."""
        regs = uapi.kvm_regs()
        self.ioctl("KVM_GET_REGS", uapi.KVM_GET_REGS, ref(regs))
        return regs

    def set_regs(self, regs: uapi.kvm_regs) -> None:
        """See KVM_SET_REGS."""
        self.ioctl("KVM_SET_REGS", uapi.KVM_SET_REGS, ref(regs))

    def get_sregs(self) -> uapi.kvm_sregs:
        """See KVM_GET_SREGS."""
        sregs = uapi.kvm_sregs()
        self.ioctl("KVM_GET_SREGS", uapi.KVM_GET_SREGS, ref(sregs))
        return sregs

    def set_sregs(self, sregs: uapi.kvm_sregs) -> None:
        """See KVM_SET_SREGS."""
        self.ioctl("KVM_SET_SREGS", uapi.KVM_SET_SREGS, ref(sregs))

    def set_mp_state(self, state: int) -> None:
        """See KVM_SET_MP_STATE."""
        argument = uapi.kvm_mp_state(mp_state=state)
        self.ioctl("KVM_SET_MP_STATE", uapi.KVM_SET_MP_STATE, ref(argument))

    def get_tsc_khz(self) -> int:
        """See KVM_GET_TSC_KHZ."""
        return self.ioctl("KVM_GET_TSC_KHZ", uapi.KVM_GET_TSC_KHZ)

    def get_stats_fd(self) -> Fd:
        """See KVM_GET_STATS_FD."""
        return Fd(self.ioctl("KVM_GET_STATS_FD", uapi.KVM_GET_STATS_FD))

    def get_tsc_offset(self) -> int | None:
        """See KVM_VCPU_TSC_OFFSET; None if KVM lacks the attribute."""
        value = ctypes.c_uint64()
        attribute = _tsc_offset_in(value)
        try:
            self.ioctl("KVM_GET_DEVICE_ATTR", uapi.KVM_GET_DEVICE_ATTR, ref(attribute))
        except IoctlError:
            return None
        return value.value

    def set_tsc_offset(self, offset: int) -> None:
        """See KVM_VCPU_TSC_OFFSET."""
        value = ctypes.c_uint64(offset)
        attribute = _tsc_offset_in(value)
        self.ioctl("KVM_SET_DEVICE_ATTR", uapi.KVM_SET_DEVICE_ATTR, ref(attribute))


def _tsc_offset_in(value: ctypes.c_uint64) -> uapi.kvm_device_attr:
    return uapi.kvm_device_attr(
        group=uapi.KVM_VCPU_TSC_CTRL,
        attr=uapi.KVM_VCPU_TSC_OFFSET,
        addr=ctypes.addressof(value),
    )
