"""Operations per mask, from the definitions of the senders (domain facts, 1.10)."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from pvbench.ops import MmioWrite, WaitIcrIdle, WrMsr
from support.helpers import CURRENT, MASKS, call_args, guest_of, masked, only, stack_of


class Row(NamedTuple):
    """APIC IDs in CPU order without the sender, and the counts of each sender."""

    ids: list[int]
    phys: int
    cluster: int
    dropped: int  # of patch v3, which always makes one call
    merged: int
    bug: int
    bits_outside: int
    offset128: int
    wide192: int


LOW_AND_HIGH = [i // 2 + 128 * (i % 2) for i in range(128)]

ROWS = {
    "A-1..7": Row([*range(1, 8)], 7, 1, 0, 1, 1, 0, 1, 1),
    "B-1..79": Row([*range(1, 80)], 79, 5, 0, 1, 1, 0, 1, 1),
    "C-1..159": Row([*range(1, 160)], 159, 10, 32, 2, 2, 0, 2, 1),
    "D-1..287": Row([*range(1, 288)], 287, 18, 160, 3, 3, 0, 3, 2),
    "E-even-2..254": Row([*range(2, 255, 2)], 127, 16, 64, 2, 2, 0, 2, 2),
    "F-0,200": Row([0, 200], 2, 2, 1, 2, 2, 0, 2, 2),
    "H-1,128,0": Row([1, 128, 0], 3, 2, 1, 2, 1, 1, 2, 1),
    "I-127..0": Row([*range(127, -1, -1)], 128, 8, 0, 1, 1, 0, 1, 1),
    "J-0,128,1,129": Row(LOW_AND_HIGH, 128, 8, 64, 65, 65, 0, 2, 1),
}
each_row = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())


def calls(overlay: str, row: Row) -> int:
    """Hypercalls of an overlay for the row."""
    return len(call_args(masked(f"{overlay}/x2apic-physical", row.ids)))


def drops(overlay: str, row: Row) -> int:
    """Targets that an overlay's drops() names."""
    everyone = tuple(range(len(row.ids)))
    guest = guest_of((*row.ids, 5000))
    return len(stack_of(f"{overlay}/x2apic-physical").sender.drops(everyone, guest, MASKS))


@each_row
def test_x2apic_physical_writes_once_per_target(row: Row) -> None:
    """x2apic_phys.c loops over the mask."""
    assert row.phys == len(only(WrMsr, masked("x2apic-physical", row.ids)))


@each_row
def test_x2apic_cluster_writes_once_per_cluster_of_16(row: Row) -> None:
    """x2apic_cluster.c ORs the logical IDs of each APIC ID >> 4."""
    assert row.cluster == len(only(WrMsr, masked("x2apic-cluster", row.ids)))


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(ROWS[name], id=name)
        for name in ("A-1..7", "B-1..79", "F-0,200", "I-127..0")
    ],
)
def test_xapic_physical_polls_and_writes_twice_per_target(row: Row) -> None:
    """n sends, each busy poll + ICR2 + ICR: 2n writes, at least n reads."""
    ops = masked("xapic-physical", row.ids, source_id=254)

    counts = (len(only(WaitIcrIdle, ops)), len(only(MmioWrite, ops)))

    assert (row.phys, 2 * row.phys) == counts


def test_xapic_flat_sends_once_for_any_subset() -> None:
    """The 8-bit logical destination has a bit for each possible CPU."""
    ops = masked("xapic-flat", ROWS["A-1..7"].ids, source_id=254)

    assert (len(only(WaitIcrIdle, ops)), len(only(MmioWrite, ops))) == (1, 2)


@each_row
def test_patch_v3_makes_one_call_and_drops_ids_from_128_on(row: Row) -> None:
    """Any mask is one hypercall with three arguments; it ignores IDs of 128 and above."""
    assert (1, row.dropped) == (calls("kvm-pv128-v3", row), drops("kvm-pv128-v3", row))


@each_row
def test_the_merged_version_calls_once_per_window(row: Row) -> None:
    """The number of windows depends on the order of IDs; no target is lost."""
    assert (row.merged, 0) == (calls("kvm-pv", row), drops("kvm-pv", row))


@each_row
def test_the_first_release_loses_bits_outside_the_window(row: Row) -> None:
    """Before c15e0ae42c8e an ID below the window was treated as inside it."""
    assert (row.bug, row.bits_outside) == (
        calls("kvm-pv-4.19", row),
        drops("kvm-pv-4.19", row),
    )


@each_row
def test_offset_128_calls_once_per_aligned_cluster(row: Row) -> None:
    """The count is that of distinct APIC ID >> 7 in any order."""
    assert row.offset128 == calls("kvm-pv-cluster128", row)


@each_row
def test_192_wide_calls_once_per_aligned_cluster(row: Row) -> None:
    """The count is that of distinct APIC ID div 192 in any order."""
    assert row.wide192 == calls("kvm-pv-cluster192", row)


@each_row
def test_hyperv_calls_once(row: Row) -> None:
    """Any mask takes one hypercall."""
    assert calls("hyperv-ipi", row) == 1


@each_row
def test_xen_calls_once_per_target(row: Row) -> None:
    """Xen has no multicast: EVTCHNOP_send for each CPU of the mask."""
    assert row.phys == calls("xen-evtchn", row)


@each_row
@pytest.mark.parametrize("driver", ["x2apic-physical", "x2apic-cluster"])
def test_a_full_broadcast_since_linux_5_4_is_one_write(row: Row, driver: str) -> None:
    """Linux sends to all others by shorthand, without calling an overlay of masks."""
    call = "smp_call_function_many"
    ops = masked(f"kvm-pv/{driver}", row.ids, linux=CURRENT, operation=call)

    writes = [op.value for op in only(WrMsr, ops)]

    assert (writes, call_args(ops)) == ([0xC_00FC], [])


def test_one_target_of_a_function_call_is_unicast_and_stays_native() -> None:
    """The overlay does not replace send_IPI, so one target needs no hypercall."""
    ops = masked("kvm-pv/x2apic-physical", [3], operation="smp_call_function_many")

    assert (len(only(WrMsr, ops)), call_args(ops)) == (1, [])
