"""
PV IPIs as merged: a bitmap of two words whose base can move down.

Follows Linux, arch/x86/kernel/kvm.c, __send_ipi_mask().  Before commit c15e0ae42c8e
(Linux 5.18) the kernel sets the bit of an ID below a window that cannot slide in memory
before the bitmap, so the IPI is lost.  The overlay does not replace unicast callbacks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import KvmOverlay, pv_windows
from pvbench.linux_era import PV_IPI, PV_WINDOW, LinuxEra
from pvbench.sender import Apic, Sender
from pvbench.sequences import words

if TYPE_CHECKING:  # masks need numpy, which no worker needs
    from pvbench.masks import MaskCounts, Masks

pvbench_api = 1


class KvmPv(KvmOverlay):
    name = "kvm-pv"
    summary = "PV IPIs as merged in Linux 4.19; before 5.18 some IPIs are lost"
    hypercall_abi = "kvm"
    needs = PV_IPI

    def drops(self, cpus: tuple[int, ...], guest: Guest, linux: LinuxEra) -> frozenset[int]:
        cpu_of_id = {guest.apic_ids[cpu]: cpu for cpu in cpus}
        windows = pv_windows(cpu_of_id, 2 * guest.bits, linux)
        return frozenset(cpu_of_id[apic_id] for window in windows for apic_id in window.lost)

    def calls_in(self, apic: Apic, apic_ids: list[int], icr: int) -> Iterable[tuple[int, ...]]:
        bits = apic.guest.bits
        for window in pv_windows(apic_ids, 2 * bits, apic.linux):
            yield (*words(window.bitmap, 2, bits), window.low, icr)

    def mask_counts(self, masks: Masks) -> MaskCounts:
        bounded = masks.linux.follows(PV_WINDOW)
        hypercalls, lost = masks.windows(2 * masks.guest.bits, bounded=bounded)
        return masks.counts(hypercalls=hypercalls, lost=lost)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPv()]
