"""
A VM before its vCPUs: the ioctls that must come first, in the order that KVM needs.

Source: Linux, Documentation/virt/kvm/api.rst, under each name.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from pvbench_deliver_kvm.vmm import uapi
from pvbench_deliver_kvm.vmm.fd import IoctlError, Mapping
from pvbench_deliver_kvm.vmm.vm import Vm

_TSS_ADDR: Final = 0xFFFB_D000  # three unused pages below 4 GiB


def set_up(
    vm: Vm, memory: Mapping, *, highest_id: int, halt_poll_ns: int | None = None
) -> None:
    """
    Make *vm* ready for its vCPUs.

    Args:
        vm: has no vCPUs yet.
        memory: becomes guest physical memory from address 0.
        highest_id: the highest vCPU ID that will be created.
        halt_poll_ns: see `Start`.

    Raises:
        IoctlError: KVM refuses something that guests need.
    """
    vm.set_tss_addr(_TSS_ADDR)
    vm.create_irqchip()
    # Without these flags an MSI has an APIC ID of 8 bits, and ID 0xff is a broadcast.
    vm.enable_cap(
        uapi.KVM_CAP_X2APIC_API,
        uapi.KVM_X2APIC_API_USE_32BIT_IDS | uapi.KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK,
    )
    _keep_hypercall_instruction(vm)
    vm.set_user_memory_region(memory)
    with suppress(IoctlError):  # Linux before 6.0 lacks it and needs no limit
        vm.enable_cap(uapi.KVM_CAP_MAX_VCPU_ID, highest_id + 1)
    if halt_poll_ns is not None:
        vm.enable_cap(uapi.KVM_CAP_HALT_POLL, halt_poll_ns)


def _keep_hypercall_instruction(vm: Vm) -> None:
    """Keep KVM from rewriting the guest's hypercall instruction, which is the vendor's."""
    quirk = uapi.KVM_X86_QUIRK_FIX_HYPERCALL_INSN
    if vm.check_extension(uapi.KVM_CAP_DISABLE_QUIRKS2) & quirk:
        vm.enable_cap(uapi.KVM_CAP_DISABLE_QUIRKS2, quirk)
