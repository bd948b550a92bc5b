"""
The first proposal: one three-argument hypercall, a bitmap of APIC IDs 0..127.

Follows "[PATCH v3 2/6] KVM: X86: Implement PV IPIs in linux guest" (2018),
including its faults: it silently drops APIC IDs of 128 and above, and a mask of
only such IDs still costs a hypercall with an empty bitmap.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import BroadcastingKvmOverlay, ProposedKvmOverlay
from pvbench.linux_era import LinuxEra
from pvbench.sender import Sender
from pvbench.sequences import words

if TYPE_CHECKING:  # masks need numpy, which no worker needs
    from pvbench.masks import MaskCounts, Masks

pvbench_api = 1

BITMAP_BITS = 128


class KvmPv128V3(BroadcastingKvmOverlay, ProposedKvmOverlay):
    name = "kvm-pv128-v3"
    summary = "patch v3 of 2018: one hypercall, APIC IDs 128 and above are lost"
    hypercall_abi = "kvm-v3"

    def drops(self, cpus: tuple[int, ...], guest: Guest, linux: LinuxEra) -> frozenset[int]:
        return frozenset(cpu for cpu in cpus if guest.apic_ids[cpu] >= BITMAP_BITS)

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        bitmap = sum(1 << apic_id for apic_id in apic_ids if apic_id < BITMAP_BITS)
        yield (*words(bitmap, 2), icr)

    def mask_counts(self, masks: Masks) -> MaskCounts:
        far = self.drops(tuple(masks.guest.cpus), masks.guest, masks.linux)
        return masks.counts(hypercalls=1, lost=masks.members(far))


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPv128V3()]
