"""
Hyper-V's synthetic cluster IPI: one hypercall for any number of targets.

Follows Linux, arch/x86/hyperv/hv_apic.c.  Targets are VP numbers, never APIC IDs.  Below
CPU 64 and VP 64 the mask fits in a register; otherwise an input page holds a sparse set of
banks of 64 VPs, or the format "all" if the mask has every CPU, those offline included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst, Hypercall, Scan, WriteMem
from pvbench.sender import Apic, Ops, Sender
from pvbench.sequences import input_page, irqs_off
from pvbench.x86.hyperv import (
    HV_GENERIC_SET_ALL,
    HV_GENERIC_SET_SPARSE_4K,
    HV_HYPERCALL_FAST_BIT,
    HV_HYPERCALL_VARHEAD_OFFSET,
    HV_IPI_HIGH_VECTOR,
    HV_IPI_LOW_VECTOR,
    HV_MAX_SPARSE_VCPU_BANKS,
    HV_VCPUS_PER_SPARSE_BANK,
    HVCALL_SEND_IPI,
    HVCALL_SEND_IPI_EX,
)

if TYPE_CHECKING:  # masks need numpy, which no worker needs
    from pvbench.masks import MaskCounts, Masks

pvbench_api = 1

MAX_VPS = HV_VCPUS_PER_SPARSE_BANK * HV_MAX_SPARSE_VCPU_BANKS


class HypervIpi(Sender):
    name = "hyperv-ipi"
    summary = "HvCallSendSyntheticClusterIpi(Ex): one hypercall for any mask"
    mechanism = "hypercall"
    hypercall_abi = "hyperv"

    def why_unsupported(self, guest: Guest) -> str | None:
        if guest.bits != 64:
            return "Linux implements it only in 64-bit guests"
        if max(map(guest.vp_index, guest.cpus)) >= MAX_VPS:
            return f"a sparse VP set can address only {MAX_VPS} virtual processors"
        return None

    def why_refused(self, burst: Burst, guest: Guest) -> str | None:
        if not HV_IPI_LOW_VECTOR <= burst.vector <= HV_IPI_HIGH_VECTOR:
            return "the hypercall takes vectors 0x10..0xff; Linux sends NMIs natively"
        return None

    def send_IPI(self, apic: Apic, cpu: int, vector: int) -> Ops:
        return _send_one(apic, cpu, vector)

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        return _send(apic, cpus, vector, all_vps=len(cpus) == len(apic.guest.cpus))

    def mask_counts(self, masks: Masks) -> MaskCounts:
        far = [
            cpu
            for cpu in masks.guest.cpus
            if max(cpu, masks.guest.vp_index(cpu)) >= HV_VCPUS_PER_SPARSE_BANK
        ]
        return masks.counts(hypercalls=1, stores=masks.members(far).clip(max=1))

    def send_IPI_mask_allbutself(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        return _send(apic, apic.without_self(cpus), vector)

    def send_IPI_allbutself(self, apic: Apic, vector: int) -> Ops:
        return _send(apic, apic.guest.others(apic.source), vector)

    def send_IPI_all(self, apic: Apic, vector: int) -> Ops:
        return self.send_IPI_mask(apic, apic.guest.online, vector)

    def send_IPI_self(self, apic: Apic, vector: int) -> Ops:
        return _send_one(apic, apic.source, vector)


def _send_one(apic: Apic, cpu: int, vector: int) -> Ops:
    vps = (apic.guest.vp_index(cpu),)
    if vps[0] < HV_VCPUS_PER_SPARSE_BANK:
        return _send_fast(vps, vector)
    return irqs_off(_send_ex(input_page(apic.source), vps, vector, all_vps=False))


def _send(apic: Apic, cpus: tuple[int, ...], vector: int, *, all_vps: bool = False) -> Ops:
    if not cpus:
        return iter(())
    vps = tuple(map(apic.guest.vp_index, cpus))
    if max(cpus[-1], *vps) < HV_VCPUS_PER_SPARSE_BANK:
        return _send_fast(vps, vector)
    return irqs_off(_send_ex(input_page(apic.source), vps, vector, all_vps=all_vps))


def _send_fast(vps: tuple[int, ...], vector: int) -> Ops:
    yield Scan(len(vps))
    mask = sum(1 << vp for vp in vps)
    yield Hypercall(HVCALL_SEND_IPI | HV_HYPERCALL_FAST_BIT, (vector, mask))


def _send_ex(address: int, vps: tuple[int, ...], vector: int, *, all_vps: bool) -> Ops:
    banks: dict[int, int] = {}
    if not all_vps:
        yield Scan(len(vps))
        for vp in vps:
            bank, bit = divmod(vp, HV_VCPUS_PER_SPARSE_BANK)
            banks[bank] = banks.get(bank, 0) | 1 << bit
    set_format = HV_GENERIC_SET_ALL if all_vps else HV_GENERIC_SET_SPARSE_4K
    valid_bank_mask = sum(1 << bank for bank in banks)
    page = (vector, set_format, valid_bank_mask, *(banks[b] for b in sorted(banks)))
    yield WriteMem(address, page)
    control = HVCALL_SEND_IPI_EX | len(banks) << HV_HYPERCALL_VARHEAD_OFFSET
    yield Hypercall(control, (address, 0))


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [HypervIpi()]
