"""A virtual machine: its memory, its interrupt controllers, its vCPUs."""

from __future__ import annotations

import mmap
from contextlib import ExitStack, suppress
from typing import Final

from pvbench_deliver_kvm.vmm import uapi
from pvbench_deliver_kvm.vmm.fd import Fd, IoctlError, Mapping, ref
from pvbench_deliver_kvm.vmm.kvm import Kvm
from pvbench_deliver_kvm.vmm.vcpu import Vcpu

_TSS_ADDR: Final = 0xFFFB_D000  # three pages nobody else uses, below 4 GiB
_MAP_NORESERVE: Final = 0x4000  # <asm-generic/mman-common.h>; Python 3.11 lacks it
_ANONYMOUS: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
_MSI_ADDRESS: Final = 0xFEE0_0000
_CAPS: Final = {
    value: name for name, value in vars(uapi).items() if name.startswith("KVM_CAP_")
}


class Vm(Fd):
    """See Documentation/virt/kvm/api.rst, "VM ioctls"."""

    def __init__(self, kvm: Kvm, memory_size: int) -> None:
        super().__init__(-1)
        self._mmap_size = kvm.get_vcpu_mmap_size()
        self.vcpus: list[Vcpu] = []
        with ExitStack() as undo:
            self.memory = Mapping(memory_size, flags=_ANONYMOUS)  # costs what is touched
            undo.callback(self.memory.close)
            self.number = kvm.create_vm()
            undo.callback(super().close)
            self._set_up()
            undo.pop_all()

    def _set_up(self) -> None:
        self.ioctl("KVM_SET_TSS_ADDR", uapi.KVM_SET_TSS_ADDR, _TSS_ADDR)
        self.ioctl("KVM_CREATE_IRQCHIP", uapi.KVM_CREATE_IRQCHIP)
        # 32-bit IDs in messages; 0xff is a CPU like any other
        self.enable_cap(
            uapi.KVM_CAP_X2APIC_API,
            uapi.KVM_X2APIC_API_USE_32BIT_IDS | uapi.KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK,
        )
        self._keep_hypercalls()
        region = uapi.kvm_userspace_memory_region(
            memory_size=self.memory.size, userspace_addr=self.memory.address
        )
        self.ioctl("KVM_SET_USER_MEMORY_REGION", uapi.KVM_SET_USER_MEMORY_REGION, ref(region))

    def _keep_hypercalls(self) -> None:
        """KVM shall not rewrite the hypercall instruction, which is the vendor's own."""
        quirks = self.check_extension(uapi.KVM_CAP_DISABLE_QUIRKS2)
        if quirks & uapi.KVM_X86_QUIRK_FIX_HYPERCALL_INSN:
            quirk = uapi.KVM_X86_QUIRK_FIX_HYPERCALL_INSN
            self.enable_cap(uapi.KVM_CAP_DISABLE_QUIRKS2, quirk)

    def check_extension(self, number: int) -> int:
        """See KVM_CHECK_EXTENSION, of this VM."""
        return self.ioctl("KVM_CHECK_EXTENSION", uapi.KVM_CHECK_EXTENSION, number)

    def close(self) -> None:
        """VCPUs, then the VM, then its memory."""
        while self.vcpus:
            self.vcpus.pop().close()
        super().close()
        self.memory.close()

    def enable_cap(self, number: int, *args: int) -> None:
        """See KVM_ENABLE_CAP."""
        cap = uapi.kvm_enable_cap(cap=number, args=(*args, *[0] * (4 - len(args))))
        self.ioctl(f"KVM_ENABLE_CAP of {_CAPS[number]}", uapi.KVM_ENABLE_CAP, ref(cap))

    def limit_ids(self, highest: int) -> None:
        """Tell KVM the highest vCPU id to come; kernels before 6.0 do not listen."""
        with suppress(IoctlError):
            self.enable_cap(uapi.KVM_CAP_MAX_VCPU_ID, highest + 1)

    def poll_before_halt(self, nanoseconds: int) -> None:
        """See KVM_CAP_HALT_POLL: the longest time KVM polls before a vCPU sleeps."""
        self.enable_cap(uapi.KVM_CAP_HALT_POLL, nanoseconds)

    def create_vcpu(self, vcpu_id: int) -> Vcpu:
        """See KVM_CREATE_VCPU; the id is the APIC ID."""
        number = self.ioctl("KVM_CREATE_VCPU", uapi.KVM_CREATE_VCPU, vcpu_id)
        vcpu = Vcpu(number, self._mmap_size)
        self.vcpus.append(vcpu)
        return vcpu

    def signal_msi(self, apic_id: int, vector: int) -> None:
        """See KVM_SIGNAL_MSI; to one CPU, destination in physical mode."""
        msi = uapi.kvm_msi(
            address_lo=_MSI_ADDRESS | (apic_id & 0xFF) << 12,
            address_hi=apic_id & 0xFFFF_FF00,
            data=vector,
        )
        self.ioctl("KVM_SIGNAL_MSI", uapi.KVM_SIGNAL_MSI, ref(msi))
