"""A virtual machine: its interrupt controllers, its memory slot, its vCPUs."""

from __future__ import annotations

from typing import Final

from pvbench.x86.apic import APIC_DEFAULT_PHYS_BASE
from pvbench_deliver_kvm.vmm import uapi
from pvbench_deliver_kvm.vmm.fd import Fd, Mapping, ref
from pvbench_deliver_kvm.vmm.vcpu import Vcpu

_CAPABILITIES: Final = {
    uapi.KVM_CAP_X2APIC_API: "KVM_CAP_X2APIC_API",
    uapi.KVM_CAP_DISABLE_QUIRKS2: "KVM_CAP_DISABLE_QUIRKS2",
    uapi.KVM_CAP_MAX_VCPU_ID: "KVM_CAP_MAX_VCPU_ID",
    uapi.KVM_CAP_HALT_POLL: "KVM_CAP_HALT_POLL",
}


class Vm(Fd):
    """See Documentation/virt/kvm/api.rst, "VM ioctls"."""

    def __init__(self, number: int, vcpu_mmap_size: int) -> None:
        super().__init__(number)
        self._vcpu_mmap_size = vcpu_mmap_size
        self.vcpus: list[Vcpu] = []

    def close(self) -> None:
        """Close the vCPUs, then the VM."""
        while self.vcpus:
            self.vcpus.pop().close()
        super().close()

    def check_extension(self, number: int) -> int:
        """See KVM_CHECK_EXTENSION, of this VM."""
        return self.ioctl("KVM_CHECK_EXTENSION", uapi.KVM_CHECK_EXTENSION, number)

    def enable_cap(self, number: int, *args: int) -> None:
        """See KVM_ENABLE_CAP."""
        cap = uapi.kvm_enable_cap(cap=number, args=(*args, *[0] * (4 - len(args))))
        self.ioctl(f"KVM_ENABLE_CAP of {_CAPABILITIES[number]}", uapi.KVM_ENABLE_CAP, ref(cap))

    def set_tss_addr(self, address: int) -> None:
        """See KVM_SET_TSS_ADDR."""
        self.ioctl("KVM_SET_TSS_ADDR", uapi.KVM_SET_TSS_ADDR, address)

    def create_irqchip(self) -> None:
        """See KVM_CREATE_IRQCHIP."""
        self.ioctl("KVM_CREATE_IRQCHIP", uapi.KVM_CREATE_IRQCHIP)

    def set_user_memory_region(self, memory: Mapping) -> None:
        """See KVM_SET_USER_MEMORY_REGION; *memory* starts at guest physical address 0."""
        region = uapi.kvm_userspace_memory_region(
            memory_size=memory.size, userspace_addr=memory.address
        )
        self.ioctl("KVM_SET_USER_MEMORY_REGION", uapi.KVM_SET_USER_MEMORY_REGION, ref(region))

    def create_vcpu(self, vcpu_id: int) -> Vcpu:
        """See KVM_CREATE_VCPU; the id is the APIC ID."""
        number = self.ioctl("KVM_CREATE_VCPU", uapi.KVM_CREATE_VCPU, vcpu_id)
        vcpu = Vcpu(number, self._vcpu_mmap_size)
        self.vcpus.append(vcpu)
        return vcpu

    def signal_msi(self, apic_id: int, vector: int) -> None:
        """See KVM_SIGNAL_MSI; to one CPU, in physical destination mode."""
        msi = uapi.kvm_msi(
            address_lo=APIC_DEFAULT_PHYS_BASE | (apic_id & 0xFF) << 12,
            address_hi=apic_id & 0xFFFF_FF00,
            data=vector,
        )
        self.ioctl("KVM_SIGNAL_MSI", uapi.KVM_SIGNAL_MSI, ref(msi))
