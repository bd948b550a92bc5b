"""
PV IPIs as merged: a bitmap of two words that slides with the first APIC ID.

Follows Linux, arch/x86/kernel/kvm.c, __send_ipi_mask(), with the window test of
commit c15e0ae42c8e (2022).  Unicast is not hooked.
"""

from __future__ import annotations

from collections.abc import Iterable

from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import KvmOverlay
from pvbench.sender import Sender
from pvbench.sequences import words

pvbench_api = 1


class KvmPv(KvmOverlay):
    name = "kvm-pv"
    summary = "PV IPIs as merged in Linux 4.19, with the fix of 2022"
    hypercall_abi = "kvm"

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        for low, bitmap in windows(apic_ids, 2 * bits):
            yield (*words(bitmap, 2, bits), low, icr)


def windows(apic_ids: list[int], width: int) -> list[tuple[int, int]]:
    """Greedy windows of *width* APIC IDs in the order given: (first ID, bitmap)."""
    found: list[tuple[int, int]] = []
    low = high = bitmap = 0
    for apic_id in apic_ids:
        if not bitmap:
            low = high = apic_id
        elif apic_id < low and high - apic_id < width:
            bitmap <<= low - apic_id
            low = apic_id
        elif low < apic_id < low + width:
            high = max(high, apic_id)
        else:
            found.append((low, bitmap))
            bitmap, low, high = 0, apic_id, apic_id
        bitmap |= 1 << apic_id - low
    if bitmap:
        found.append((low, bitmap))
    return found


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPv()]
