"""
Logical flat mode: one ICR write reaches any subset of up to eight CPUs.

Follows Linux before 6.12, arch/x86/kernel/apic/apic_flat_64.c; the mode was
removed for 64-bit guests in 2024.  CPU i has logical ID 1 << i.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.linux_era import NO_FLAT, LinuxEra, uses_flat
from pvbench.sender import Apic, Driver, Ops, Sender
from pvbench.sequences import irqs_off, xapic_send, xapic_shorthand
from pvbench.x86.apic import APIC_DEST_LOGICAL, XAPIC_FLAT_CPUS, icr_low

if TYPE_CHECKING:  # masks need numpy, which no worker needs
    from pvbench.masks import MaskCounts, Masks

pvbench_api = 1


class XapicFlat(Driver):
    name = "xapic-flat"
    summary = "logical flat mode, up to 8 CPUs, one write for any subset (legacy)"
    apic_mode = "xapic"
    gone = NO_FLAT

    def probe(self, guest: Guest, linux: LinuxEra) -> bool:
        return uses_flat(guest, linux)

    def why_unsupported(self, guest: Guest) -> str | None:
        if len(guest.apic_ids) > XAPIC_FLAT_CPUS:
            return f"flat logical mode can address only {XAPIC_FLAT_CPUS} CPUs"
        return None

    def send_IPI(self, apic: Apic, cpu: int, vector: int) -> Ops:
        return apic.send_IPI_mask((cpu,), vector)

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        logical_ids = sum(1 << cpu for cpu in cpus)
        icr = icr_low(vector, APIC_DEST_LOGICAL)
        return irqs_off(xapic_send(logical_ids, icr)) if cpus else iter(())

    def mask_counts(self, masks: Masks) -> MaskCounts:
        return masks.counts(icr_writes=1)

    def send_shorthand(self, apic: Apic, shorthand: str, vector: int) -> Ops:
        return xapic_shorthand(shorthand, vector)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [XapicFlat()]
