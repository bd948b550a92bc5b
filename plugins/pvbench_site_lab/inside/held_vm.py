"""
A guest that a lab with several CPUs keeps: it stops KVM from patching the kernel in a boot.

The first VM and the last one change the static key preempt_notifier_key, and a vCPU whose
APIC is disabled by software changes apic_sw_disabled.  While one CPU patches such a site,
the other CPUs execute it.  QEMU may then keep a translation of the breakpoint that stood
there for a moment, and these CPUs raise #BP for ever.  With one vCPU that never enables
its APIC, both keys remain enabled.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

DEVICE: Final = Path("/dev/kvm")
_KVM_CREATE_VM: Final = 0xAE01  # <linux/kvm.h>
_KVM_CREATE_VCPU: Final = 0xAE41
_KVM_CREATE_IRQCHIP: Final = 0xAE60


def hold_vm() -> tuple[int, int]:
    """
    Create a VM with one vCPU, and return their file descriptors, which remain open.

    Raises:
        OSError: KVM refuses it.
    """
    device = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    try:
        vm = fcntl.ioctl(device, _KVM_CREATE_VM, 0)
    finally:
        os.close(device)
    fcntl.ioctl(vm, _KVM_CREATE_IRQCHIP, 0)
    return vm, fcntl.ioctl(vm, _KVM_CREATE_VCPU, 0)
