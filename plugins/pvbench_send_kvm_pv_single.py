"""
PV IPIs for function calls to one CPU too, as in a patched guest of Intel TDX.

A TD that writes the ICR raises #VE, whose handler makes a hypercall of TDX; a hypercall of
KVM saves the #VE.  Follows "x86/kvm: allow PV single-target function IPIs in TDX guests at
runtime" (2026), a patch of the dstack kernel that was not submitted to Linux, and whose
parameter ``tdx_pv_single_ipi`` only a TD accepts.  Reschedule IPIs, NMIs and shorthands stay
native.
"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import MergedKvmOverlay
from pvbench.sender import Apic, Ops, Sender

pvbench_api = 1


class KvmPvSingle(MergedKvmOverlay):
    name = "kvm-pv-single"
    summary = "kvm-pv that also calls a function on one CPU by hypercall, for TDX"

    def send_call_func_single_ipi(self, apic: Apic, cpu: int, vector: int) -> Ops:
        return self.send_IPI_mask(apic, (cpu,), vector)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPvSingle()]
