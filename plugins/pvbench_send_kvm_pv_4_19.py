"""
PV IPIs of the first release: an APIC ID below the window passes for one inside.

Follows Linux 4.19, arch/x86/kernel/kvm.c, __send_ipi_mask(), before commit
c15e0ae42c8e: the bit of such an ID lands in memory before the bitmap, and its
IPI is lost.
"""

from __future__ import annotations

from collections.abc import Iterable

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import HooksBroadcasts
from pvbench.sender import Sender
from pvbench.sequences import words

pvbench_api = 1


class KvmPv419(HooksBroadcasts):
    name = "kvm-pv-4.19"
    summary = "PV IPIs of Linux 4.19: loses IDs below a window that cannot slide"
    hypercall_abi = "kvm"

    def drops(self, cpus: tuple[int, ...], guest: Guest) -> frozenset[int]:
        ids = [guest.apic_ids[cpu] for cpu in cpus]
        _, lost = windows(ids, 2 * guest.bits)
        return frozenset(cpus[place] for place in lost)

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        found, _ = windows(apic_ids, 2 * bits)
        for low, bitmap in found:
            yield (*words(bitmap, 2, bits), low, icr)


def windows(apic_ids: list[int], width: int) -> tuple[list[tuple[int, int]], list[int]]:
    """Windows as (first ID, bitmap), and the places of IDs whose bit missed the bitmap."""
    found: list[tuple[int, int]] = []
    lost: list[int] = []
    low = high = bitmap = 0
    for place, apic_id in enumerate(apic_ids):
        if not bitmap:
            low = high = apic_id
        elif apic_id < low and high - apic_id < width:
            bitmap <<= low - apic_id
            low = apic_id
        elif apic_id < low + width:
            high = max(high, apic_id)
        else:
            found.append((low, bitmap))
            bitmap, low, high = 0, apic_id, apic_id
        if apic_id < low:
            lost.append(place)
        else:
            bitmap |= 1 << apic_id - low
    if bitmap:
        found.append((low, bitmap))
    return found, lost


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPv419()]
