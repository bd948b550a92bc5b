"""
The initial state of a vCPU: 64-bit mode, without INIT and real mode.

Source: Intel SDM vol. 3, "4-Level Paging", "Segment Descriptors", "64-Bit Mode IDT".
"""

from __future__ import annotations

import struct
from typing import Final

from pvbench.x86.apic import APIC_DEFAULT_PHYS_BASE
from pvbench_deliver_kvm.vmm import layout, mailbox, uapi
from pvbench_deliver_kvm.vmm.cpuid import Cpuid
from pvbench_deliver_kvm.vmm.kvm import Kvm

_CODE, _DATA, _TASK = 0x08, 0x10, 0x18  # selectors
_GDT: Final = struct.pack(
    "<6Q",
    0,
    0x00AF_9B00_0000_FFFF,  # 64-bit code, present, ring 0
    0x00CF_9300_0000_FFFF,  # data
    0x0000_8B00_0000_0067,  # busy TSS, never used: no other ring, no IST
    0,
    0x00CF_9B00_0000_FFFF,  # 32-bit code, for hypercalls in compatibility mode
)
_HYPERVISOR, _HYPERVISOR_END = 0x4000_0000, 0x4000_0100  # CPUID leaves
_PRESENT, _WRITABLE, _UNCACHED, _LARGE = 1 << 0, 1 << 1, 1 << 4, 1 << 7
_GIB, _LARGE_PAGE, _PAGE = 1 << 30, 1 << 21, 1 << 12

_CR0: Final = 1 << 0 | 1 << 4 | 1 << 5 | 1 << 31  # PE, ET, NE, PG
_CR4: Final = 1 << 5 | 1 << 9  # PAE, OSFXSR: Hyper-V calls may have arguments in XMM
_EFER: Final = 1 << 8 | 1 << 10  # LME, LMA
_APIC_BASE_BSP, _APIC_BASE_EXTD, _APIC_BASE_ENABLE = 1 << 8, 1 << 10, 1 << 11
_RFLAGS: Final = 1 << 1  # reserved, set; interrupts are off
_INTERRUPT_GATE: Final = 0x8E00


def tables(memory_size: int) -> list[tuple[int, bytes]]:
    """The descriptor tables and page tables, as (address, bytes)."""
    pml4, pdpt = layout.PAGE_TABLES_BASE, layout.PAGE_TABLES_BASE + _PAGE
    directory = {gib: pdpt + _PAGE * (n + 1) for n, gib in enumerate((0, 3))}
    link = _PRESENT | _WRITABLE
    return [
        (layout.GDT_BASE, _GDT),
        (layout.IDT_BASE, b"".join(map(_gate, range(256)))),
        (pml4, struct.pack("<Q", pdpt | link)),
        (pdpt, struct.pack("<4Q", directory[0] | link, 0, 0, directory[3] | link)),
        (directory[0], _large_pages(memory_size)),
        (
            directory[3] + _slot(APIC_DEFAULT_PHYS_BASE),
            _large_page(APIC_DEFAULT_PHYS_BASE, _UNCACHED),
        ),
    ]


def _large_pages(size: int) -> bytes:
    return b"".join(_large_page(address) for address in range(0, size, _LARGE_PAGE))


def _large_page(address: int, flags: int = 0) -> bytes:
    return struct.pack(
        "<Q", address // _LARGE_PAGE * _LARGE_PAGE | _PRESENT | _WRITABLE | _LARGE | flags
    )


def _slot(address: int) -> int:
    """The offset of the page's entry in a page directory."""
    return address % _GIB // _LARGE_PAGE * 8


def _gate(vector: int) -> bytes:
    entry = layout.STUBS_BASE + 16 * vector
    return struct.pack(
        "<HHHHII", entry & 0xFFFF, _CODE, _INTERRUPT_GATE, entry >> 16 & 0xFFFF, 0, 0
    )


def _segment(selector: int, kind: int, *, system: bool = False, long: bool = False) -> object:
    return uapi.kvm_segment(
        limit=0xFFFF_FFFF,
        selector=selector,
        type=kind,
        present=1,
        db=0 if long or system else 1,
        s=0 if system else 1,
        l=1 if long else 0,
        g=0 if system else 1,
    )


def sregs(current: uapi.kvm_sregs, cpu: int, *, x2apic: bool) -> uapi.kvm_sregs:
    """Change *current* to 64-bit mode, with the CPU's ``struct cpu`` at the base of %gs."""
    current.cs = _segment(_CODE, 11, long=True)
    data = _segment(_DATA, 3)
    current.ds = current.es = current.fs = current.ss = data
    current.gs = data
    current.gs.base = layout.cpu_area(cpu)
    current.tr = _segment(_TASK, 11, system=True)
    current.tr.limit = 0x67
    current.gdt.base, current.gdt.limit = layout.GDT_BASE, len(_GDT) - 1
    current.idt.base, current.idt.limit = layout.IDT_BASE, 256 * 16 - 1
    current.cr0, current.cr3, current.cr4 = _CR0, layout.PAGE_TABLES_BASE, _CR4
    current.efer = _EFER
    mode = _APIC_BASE_ENABLE | (_APIC_BASE_EXTD if x2apic else 0)
    current.apic_base = APIC_DEFAULT_PHYS_BASE | mode | (_APIC_BASE_BSP if cpu == 0 else 0)
    return current


def regs(cpu: int) -> uapi.kvm_regs:
    """The registers at the entry of the guest's code, on the CPU's own stack."""
    area = layout.cpu_area(cpu)
    stack = area + layout.CPU_AREA_SIZE - 16
    return uapi.kvm_regs(rip=layout.IMAGE_BASE, rsp=stack, rdi=area, rflags=_RFLAGS)


def supported_cpuid(kvm: Kvm, hypercall_abi: int) -> Cpuid:
    """The CPUID table of the guest; with Hyper-V hypercalls it must show Hyper-V."""
    supported = kvm.get_supported_cpuid()
    if hypercall_abi != mailbox.HYPERCALL_HYPERV:
        return supported
    native = [e for e in supported.entries if not _HYPERVISOR <= e.function < _HYPERVISOR_END]
    return Cpuid(native + kvm.get_supported_hv_cpuid().entries)


def cpuid_entries(
    entries: list[uapi.kvm_cpuid_entry2], apic_id: int, *, x2apic: bool
) -> list[uapi.kvm_cpuid_entry2]:
    """*entries* with the CPU's APIC ID in the leaves where the manual puts it."""
    changed = []
    for entry in entries:
        copy = uapi.kvm_cpuid_entry2.from_buffer_copy(entry)
        if entry.function == 1:
            copy.ebx = entry.ebx & 0x00FF_FFFF | (apic_id & 0xFF) << 24
            copy.ecx = entry.ecx & ~(1 << 21) | (1 << 21 if x2apic else 0)
        elif entry.function in (0xB, 0x1F):
            copy.edx = apic_id
        changed.append(copy)
    return changed
