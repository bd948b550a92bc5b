"""
PV IPIs as merged: a bitmap of two words whose base can move down.

Follows Linux, arch/x86/kernel/kvm.c, __send_ipi_mask().  Before commit c15e0ae42c8e
(Linux 5.18) the kernel sets the bit of an ID below a window that cannot slide in memory
before the bitmap, so the IPI is lost.  The overlay does not replace unicast callbacks.
"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import MergedKvmOverlay
from pvbench.sender import Sender

pvbench_api = 1


class KvmPv(MergedKvmOverlay):
    name = "kvm-pv"
    summary = "PV IPIs as merged in Linux 4.19; before 5.18 some IPIs are lost"


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPv()]
