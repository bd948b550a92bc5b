"""Guest memory: regions do not overlap, and the code is where the host expects it."""

from __future__ import annotations

import re
from ctypes import sizeof
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pvbench.sequences import INPUT_PAGE_BASE, input_page
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.vmm import initial_state, layout, mailbox
from support.c_facts import c_values, needs_c
from support.guest_native import GUEST

PAGE = 4096
APIC_PAGE = 0xFEE0_0000
ERROR_CODES = {8, *range(10, 15), 17, 21, 29, 30}  # pushed by the CPU itself
STUBS = layout.STUBS_BASE - layout.IMAGE_BASE


class Region(NamedTuple):
    """Guest physical memory from *start* up to *end*."""

    start: int
    end: int
    name: str


def region(name: str, start: int, size: int) -> Region:
    """*size* bytes from *start*."""
    return Region(start, start + size, name)


def tables() -> list[Region]:
    """Descriptors and page tables, which the CPU reads as whole pages."""
    pieces = initial_state.tables(layout.MEMORY_SIZE)
    starts = {address: address + len(data) for address, data in pieces}
    pages = {address // PAGE * PAGE: -(-end // PAGE) * PAGE for address, end in starts.items()}
    return [Region(start, end, f"table at {start:#x}") for start, end in pages.items()]


def regions(cpus: int) -> list[Region]:
    """All regions of a guest of *cpus* CPUs, lowest first."""
    own = [region(f"area {i}", layout.cpu_area(i), layout.CPU_AREA_SIZE) for i in range(cpus)]
    pages = [region(f"input page {i}", input_page(i), PAGE) for i in range(cpus)]
    return sorted(
        [
            *tables(),
            region("mailbox", layout.MAILBOX_BASE, sizeof(mailbox.Mailbox)),
            region("APIC IDs", layout.APIC_IDS_BASE, 4 * cpus),
            Region(layout.IMAGE_BASE, layout.CPU_AREA_BASE, "image"),
            *own,
            Region(layout.CLUSTERS_BASE, INPUT_PAGE_BASE, "clusters"),
            *pages,
            Region(layout.FREE_BASE, layout.MEMORY_SIZE, "tasks"),
        ]
    )


@given(st.integers(1, layout.MAX_CPUS))
@example(layout.MAX_CPUS)
def test_regions_do_not_overlap(cpus: int) -> None:
    """This holds for any number of CPUs."""
    ordered = regions(cpus)

    assert [region for region in ordered if region.start >= region.end] == []
    assert [(low, high) for low, high in pairwise(ordered) if low.end > high.start] == []


def test_all_regions_are_memory_below_the_apic() -> None:
    """Page 0 stays unused, so a null pointer hits no region."""
    ordered = regions(layout.MAX_CPUS)

    assert ordered[0].start >= PAGE
    assert ordered[-1].end == layout.MEMORY_SIZE <= APIC_PAGE


def test_clusters_of_every_width_have_room(tmp_path: Path) -> None:
    """They are between the CPUs' areas and the hypercall input pages."""
    needs_c("send.h")
    size = "sizeof(struct clusters[CLUSTER_WIDTHS])"
    free = INPUT_PAGE_BASE - layout.CLUSTERS_BASE

    assert 0 < c_values(tmp_path, "send.h", [size])[size] <= free


@pytest.mark.parametrize("cpu", [0, 1, layout.MAX_CPUS - 1])
def test_input_pages_of_senders_are_where_the_guest_has_them(cpu: int) -> None:
    """A sender's ops hold their addresses, and so does the guest's own code."""
    assert input_page(cpu) == INPUT_PAGE_BASE + cpu * PAGE


def test_the_linker_script_has_the_addresses_of_the_layout() -> None:
    """It cannot include abi.h."""
    script = (GUEST / "guest.lds").read_text()
    sections = re.findall(r"\. = (\w+);\s+(\.\w+) :", script)

    assert [(int(address, 0), name) for address, name in sections] == [
        (layout.IMAGE_BASE, ".start"),
        (layout.STUBS_BASE, ".stubs"),
    ]


@pytest.fixture(scope="module")
def image() -> bytes:
    """The guest's code, as it is copied to IMAGE_BASE."""
    needs_c("abi.h")
    return build.image()


def jump(image: bytes, address: int) -> int:
    """The target of a call or jmp with a 32-bit displacement, from the start of the image."""
    return address + 5 + int.from_bytes(image[address + 1 : address + 5], "little", signed=True)


def test_the_image_starts_with_the_entry_of_a_cpu(image: bytes) -> None:
    """Call run_cpu(), which does not return; cli, hlt and again if it does."""
    assert (image[:1], image[5:9].hex()) == (b"\xe8", "faf4ebfc")
    assert STUBS + 256 * 16 <= jump(image, 0) < len(image)


def test_each_vector_has_a_stub_of_sixteen_bytes(image: bytes) -> None:
    """
    It pushes an error code, where the CPU pushes none, and the vector; then it jumps to common.
    """
    leads_to = set()
    for vector in range(256):
        number = bytes([0x6A, vector]) if vector < 0x80 else bytes([0x68, vector, 0, 0, 0])
        pushes = number if vector in ERROR_CODES else b"\x6a\x00" + number
        address = STUBS + 16 * vector
        end = address + len(pushes)
        assert (pushes + b"\xe9").hex() == image[address : end + 1].hex(), f"vector {vector}"
        leads_to.add(jump(image, end))

    (common,) = leads_to
    assert common >= STUBS + 256 * 16
    assert image[common : common + 3].hex() == "505152"  # pushq %rax, %rcx, %rdx, ...


def test_each_gate_leads_to_its_stub() -> None:
    """The host writes the descriptor table, the guest has the stubs."""
    gates = dict(initial_state.tables(layout.MEMORY_SIZE))[layout.IDT_BASE]

    for vector in range(256):
        gate = gates[16 * vector : 16 * vector + 16]
        offset = int.from_bytes(gate[:2] + gate[6:12], "little")
        assert offset == layout.STUBS_BASE + 16 * vector, f"vector {vector}"
    assert len(gates) == 256 * 16


def test_the_image_ends_before_the_cpus_begin(image: bytes) -> None:
    """As the layout says."""
    assert layout.IMAGE_BASE + len(image) <= layout.CPU_AREA_BASE
