"""The regions of guest physical memory, which is identity-mapped."""

from __future__ import annotations

from typing import Final

MAILBOX_BASE: Final = 0x1000  # one page, see guest/abi.h
GDT_BASE: Final = 0x2000
IDT_BASE: Final = 0x3000  # 256 gates of 16 bytes
PAGE_TABLES_BASE: Final = 0x8000  # PML4, PDPT, four page directories
IMAGE_BASE: Final = 0x10_0000  # code and data of the guest
STUBS_BASE: Final = 0x10_1000  # entry of vector v at + 16 * v
CPU_AREA_BASE: Final = 0x40_0000  # struct cpu and stack of each CPU
CPU_AREA_SIZE: Final = 0x4000
CLUSTERS_BASE: Final = 0x500_0000  # struct clusters of each width
# then the hypercall input page of each CPU, from pvbench.sequences.INPUT_PAGE_BASE
APIC_IDS_BASE: Final = 0x1_0000  # u32 of each CPU
FREE_BASE: Final = 0x900_0000  # programs, masks, entries, samples of a task
MEMORY_SIZE: Final = 0x2000_0000
MAX_CPUS: Final = 4096


def cpu_area(cpu: int) -> int:
    """The address of ``struct cpu``; the CPU's stack is the rest of the area."""
    return CPU_AREA_BASE + cpu * CPU_AREA_SIZE
