"""
PV IPIs of the first release: an APIC ID below the window is treated as inside it.

Follows Linux 4.19, arch/x86/kernel/kvm.c, __send_ipi_mask(), before commit
c15e0ae42c8e: the kernel sets the bit of such an ID in memory before the bitmap,
so its IPI is lost.
"""

from __future__ import annotations

from collections.abc import Iterable

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import BroadcastingKvmOverlay, Window, sliding_windows
from pvbench.sender import Sender
from pvbench.sequences import words

pvbench_api = 1


class KvmPv419(BroadcastingKvmOverlay):
    name = "kvm-pv-4.19"
    summary = "PV IPIs of Linux 4.19: loses IDs below a window that cannot slide"
    hypercall_abi = "kvm"

    def drops(self, cpus: tuple[int, ...], guest: Guest) -> frozenset[int]:
        cpu_of_id = {guest.apic_ids[cpu]: cpu for cpu in cpus}
        return frozenset(
            cpu_of_id[apic_id]
            for window in windows(list(cpu_of_id), 2 * guest.bits)
            for apic_id in window.lost
        )

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        for window in windows(apic_ids, 2 * bits):
            yield (*words(window.bitmap, 2, bits), window.low, icr)


def windows(apic_ids: list[int], width: int) -> list[Window]:
    """Pack APIC IDs into windows; the test of 4.19 has no lower bound."""

    def is_below_end(window: Window, apic_id: int) -> bool:
        return apic_id < window.low + width

    return sliding_windows(apic_ids, width, is_below_end)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPv419()]
