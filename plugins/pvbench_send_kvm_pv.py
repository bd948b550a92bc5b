"""
PV IPIs as merged: a bitmap of two words whose base can move down.

Follows Linux, arch/x86/kernel/kvm.c, __send_ipi_mask(), with the window test of
commit c15e0ae42c8e (2022).  The overlay does not replace unicast callbacks.
"""

from __future__ import annotations

from collections.abc import Iterable

from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import KvmOverlay, Window, sliding_windows
from pvbench.sender import Sender
from pvbench.sequences import words

pvbench_api = 1


class KvmPv(KvmOverlay):
    name = "kvm-pv"
    summary = "PV IPIs as merged in Linux 4.19, with the fix of 2022"
    hypercall_abi = "kvm"

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        for window in windows(apic_ids, 2 * bits):
            yield (*words(window.bitmap, 2, bits), window.low, icr)


def windows(apic_ids: list[int], width: int) -> list[Window]:
    """Pack APIC IDs into windows; an ID joins only if it lies inside the window."""

    def is_inside(window: Window, apic_id: int) -> bool:
        return window.low < apic_id < window.low + width

    return sliding_windows(apic_ids, width, is_inside)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPv()]
