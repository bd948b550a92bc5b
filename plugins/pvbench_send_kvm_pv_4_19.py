"""
PV IPIs of the first release: an APIC ID below the window is treated as inside it.

Follows Linux 4.19, arch/x86/kernel/kvm.c, __send_ipi_mask(), before commit
c15e0ae42c8e: the kernel sets the bit of such an ID in memory before the bitmap,
so its IPI is lost.  This overlay does so in any kernel, and also replaces the callbacks
of full broadcasts there; `kvm-pv` follows the kernel of the guest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import BroadcastingKvmOverlay, pv_windows
from pvbench.linux_era import PV_WINDOW, LinuxEra
from pvbench.sender import Sender
from pvbench.sequences import words

if TYPE_CHECKING:  # masks need numpy, which no worker needs
    from pvbench.masks import MaskCounts, Masks

pvbench_api = 1

FIRST_RELEASE = LinuxEra(version="4.19")


class KvmPv419(BroadcastingKvmOverlay):
    name = "kvm-pv-4.19"
    summary = "PV IPIs of Linux 4.19 in any kernel: loses IDs below a window that cannot slide"
    hypercall_abi = "kvm"

    def drops(self, cpus: tuple[int, ...], guest: Guest, linux: LinuxEra) -> frozenset[int]:
        cpu_of_id = {guest.apic_ids[cpu]: cpu for cpu in cpus}
        return frozenset(
            cpu_of_id[apic_id]
            for window in pv_windows(cpu_of_id, 2 * guest.bits, FIRST_RELEASE)
            for apic_id in window.lost
        )

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        for window in pv_windows(apic_ids, 2 * bits, FIRST_RELEASE):
            yield (*words(window.bitmap, 2, bits), window.low, icr)

    def mask_counts(self, masks: Masks) -> MaskCounts:
        bounded = FIRST_RELEASE.follows(PV_WINDOW)
        hypercalls, lost = masks.windows(2 * masks.guest.bits, bounded=bounded)
        return masks.counts(hypercalls=hypercalls, lost=lost)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPv419()]
