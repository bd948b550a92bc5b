"""
<linux/kvm.h> as far as it is used here, in the header's order.

Numbers are computed from the sizes of the structs, so a wrong struct shows.
"""

from __future__ import annotations

from ctypes import Structure, Union, c_int16, c_uint8, c_uint16, c_uint32, c_uint64, sizeof
from typing import Final

KVMIO: Final = 0xAE
KVM_API_VERSION: Final = 12


def _ioc(direction: int, number: int, struct: type[Structure] | None) -> int:
    return direction << 30 | (sizeof(struct) if struct else 0) << 16 | KVMIO << 8 | number


def _IO(number: int) -> int:
    return _ioc(0, number, None)


def _IOW(number: int, struct: type[Structure]) -> int:
    return _ioc(1, number, struct)


def _IOR(number: int, struct: type[Structure]) -> int:
    return _ioc(2, number, struct)


def _IOWR(number: int, struct: type[Structure]) -> int:
    return _ioc(3, number, struct)


class kvm_userspace_memory_region(Structure):  # noqa: N801 - the kernel's name
    _fields_ = [
        ("slot", c_uint32),
        ("flags", c_uint32),
        ("guest_phys_addr", c_uint64),  # bytes
        ("memory_size", c_uint64),  # bytes, page multiple
        ("userspace_addr", c_uint64),
    ]


class _exit_unknown(Structure):  # noqa: N801
    _fields_ = [("hardware_exit_reason", c_uint64)]


class _exit_fail_entry(Structure):  # noqa: N801
    _fields_ = [("hardware_entry_failure_reason", c_uint64), ("cpu", c_uint32)]


class _exit_io(Structure):  # noqa: N801
    _fields_ = [
        ("direction", c_uint8),
        ("size", c_uint8),
        ("port", c_uint16),
        ("count", c_uint32),
        ("data_offset", c_uint64),
    ]


class _exit_mmio(Structure):  # noqa: N801
    _fields_ = [
        ("phys_addr", c_uint64),
        ("data", c_uint8 * 8),
        ("len", c_uint32),
        ("is_write", c_uint8),
    ]


class _exit_internal(Structure):  # noqa: N801
    _fields_ = [("suberror", c_uint32), ("ndata", c_uint32), ("data", c_uint64 * 16)]


class _exit_union(Union):  # noqa: N801
    _fields_ = [
        ("hw", _exit_unknown),
        ("fail_entry", _exit_fail_entry),
        ("io", _exit_io),
        ("mmio", _exit_mmio),
        ("internal", _exit_internal),
        ("padding", c_uint8 * 256),
    ]


class kvm_run(Structure):  # noqa: N801
    _anonymous_ = ("exit",)
    _fields_ = [
        ("request_interrupt_window", c_uint8),
        ("immediate_exit", c_uint8),
        ("padding1", c_uint8 * 6),
        ("exit_reason", c_uint32),
        ("ready_for_interrupt_injection", c_uint8),
        ("if_flag", c_uint8),
        ("flags", c_uint16),
        ("cr8", c_uint64),
        ("apic_base", c_uint64),
        ("exit", _exit_union),
    ]


class kvm_regs(Structure):  # noqa: N801
    _fields_ = [
        (name, c_uint64)
        for name in (
            *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp"),
            *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"),
            *("rip", "rflags"),
        )
    ]


class kvm_segment(Structure):  # noqa: N801
    _fields_ = [
        ("base", c_uint64),
        ("limit", c_uint32),
        ("selector", c_uint16),
        *((name, c_uint8) for name in ("type", "present", "dpl", "db", "s", "l", "g", "avl")),
        ("unusable", c_uint8),
        ("padding", c_uint8),
    ]


class kvm_dtable(Structure):  # noqa: N801
    _fields_ = [("base", c_uint64), ("limit", c_uint16), ("padding", c_uint16 * 3)]


class kvm_signal_mask(Structure):  # noqa: N801
    """The struct without its sigset, which follows it."""

    _fields_ = [("len", c_uint32)]


class kvm_sregs(Structure):  # noqa: N801
    _fields_ = [
        *((name, kvm_segment) for name in ("cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt")),
        ("gdt", kvm_dtable),
        ("idt", kvm_dtable),
        *((name, c_uint64) for name in ("cr0", "cr2", "cr3", "cr4", "cr8")),
        ("efer", c_uint64),
        ("apic_base", c_uint64),
        ("interrupt_bitmap", c_uint64 * 4),
    ]


class kvm_mp_state(Structure):  # noqa: N801
    _fields_ = [("mp_state", c_uint32)]


class kvm_enable_cap(Structure):  # noqa: N801
    _fields_ = [
        ("cap", c_uint32),
        ("flags", c_uint32),
        ("args", c_uint64 * 4),
        ("pad", c_uint8 * 64),
    ]


class kvm_msi(Structure):  # noqa: N801
    _fields_ = [
        ("address_lo", c_uint32),
        ("address_hi", c_uint32),
        ("data", c_uint32),
        ("flags", c_uint32),
        ("devid", c_uint32),
        ("pad", c_uint8 * 12),
    ]


class kvm_device_attr(Structure):  # noqa: N801
    _fields_ = [
        ("flags", c_uint32),
        ("group", c_uint32),
        ("attr", c_uint64),
        ("addr", c_uint64),
    ]


class kvm_cpuid_entry2(Structure):  # noqa: N801
    _fields_ = [
        (name, c_uint32) for name in ("function", "index", "flags", "eax", "ebx", "ecx", "edx")
    ] + [("padding", c_uint32 * 3)]


class kvm_cpuid2(Structure):  # noqa: N801
    """The struct without its entries, which follow it."""

    _fields_ = [("nent", c_uint32), ("padding", c_uint32)]


class kvm_stats_header(Structure):  # noqa: N801
    _fields_ = [
        (name, c_uint32)
        for name in (
            "flags",
            "name_size",
            "num_desc",
            "id_offset",
            "desc_offset",
            "data_offset",
        )
    ]


class kvm_stats_desc(Structure):  # noqa: N801
    """The struct without its name, which follows it."""

    _fields_ = [
        ("flags", c_uint32),
        ("exponent", c_int16),
        ("size", c_uint16),
        ("offset", c_uint32),
        ("bucket_size", c_uint32),
    ]


# ioctls on /dev/kvm
KVM_GET_API_VERSION: Final = _IO(0x00)
KVM_CREATE_VM: Final = _IO(0x01)
KVM_CHECK_EXTENSION: Final = _IO(0x03)
KVM_GET_VCPU_MMAP_SIZE: Final = _IO(0x04)
KVM_GET_SUPPORTED_CPUID: Final = _IOWR(0x05, kvm_cpuid2)
KVM_GET_SUPPORTED_HV_CPUID: Final = _IOWR(0xC1, kvm_cpuid2)

# ioctls on a VM
KVM_CREATE_VCPU: Final = _IO(0x41)
KVM_SET_USER_MEMORY_REGION: Final = _IOW(0x46, kvm_userspace_memory_region)
KVM_SET_TSS_ADDR: Final = _IO(0x47)
KVM_CREATE_IRQCHIP: Final = _IO(0x60)  # needs KVM_CAP_IRQCHIP
KVM_SIGNAL_MSI: Final = _IOW(0xA5, kvm_msi)
KVM_ENABLE_CAP: Final = _IOW(0xA3, kvm_enable_cap)

# ioctls on a vCPU
KVM_RUN: Final = _IO(0x80)
KVM_GET_REGS: Final = _IOR(0x81, kvm_regs)
KVM_SET_REGS: Final = _IOW(0x82, kvm_regs)
KVM_GET_SREGS: Final = _IOR(0x83, kvm_sregs)
KVM_SET_SREGS: Final = _IOW(0x84, kvm_sregs)
KVM_SET_SIGNAL_MASK: Final = _IOW(0x8B, kvm_signal_mask)
KVM_SET_CPUID2: Final = _IOW(0x90, kvm_cpuid2)
KVM_SET_MP_STATE: Final = _IOW(0x99, kvm_mp_state)
KVM_GET_TSC_KHZ: Final = _IO(0xA3)
KVM_GET_STATS_FD: Final = _IO(0xCE)
KVM_SET_DEVICE_ATTR: Final = _IOW(0xE1, kvm_device_attr)
KVM_GET_DEVICE_ATTR: Final = _IOW(0xE2, kvm_device_attr)

# Exit reasons
KVM_EXIT_IO: Final = 2
KVM_EXIT_HLT: Final = 5
KVM_EXIT_MMIO: Final = 6
KVM_EXIT_SHUTDOWN: Final = 8
KVM_EXIT_FAIL_ENTRY: Final = 9
KVM_EXIT_INTR: Final = 10
KVM_EXIT_INTERNAL_ERROR: Final = 17

# Capabilities
KVM_CAP_IRQCHIP: Final = 0
KVM_CAP_NR_VCPUS: Final = 9
KVM_CAP_MP_STATE: Final = 14
KVM_CAP_MAX_VCPUS: Final = 66
KVM_CAP_SIGNAL_MSI: Final = 77
KVM_CAP_DISABLE_QUIRKS2: Final = 213
KVM_CAP_MAX_VCPU_ID: Final = 128
KVM_CAP_X2APIC_API: Final = 129
KVM_CAP_IMMEDIATE_EXIT: Final = 136
KVM_CAP_HALT_POLL: Final = 182
KVM_CAP_BINARY_STATS_FD: Final = 203

KVM_X2APIC_API_USE_32BIT_IDS: Final = 1 << 0
KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK: Final = 1 << 1
KVM_X86_QUIRK_FIX_HYPERCALL_INSN: Final = 1 << 5
KVM_MP_STATE_RUNNABLE: Final = 0
KVM_VCPU_TSC_CTRL: Final = 0  # group
KVM_VCPU_TSC_OFFSET: Final = 0  # attribute, u64
