"""
One WRMSR per target: the usual default of cloud guests.

Follows Linux, arch/x86/kernel/apic/x2apic_phys.c, __x2apic_send_IPI_mask().
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.linux_era import LinuxEra, uses_x2apic
from pvbench.ops import Scan, WrMsr
from pvbench.sender import Apic, Driver, Ops, Sender
from pvbench.sequences import irqs_off, x2apic_fence, x2apic_shorthand
from pvbench.x86.apic import APIC_ICR, icr_low, x2apic_msr

if TYPE_CHECKING:  # masks need numpy, which no worker needs
    from pvbench.masks import MaskCounts, Masks

pvbench_api = 1


class X2apicPhysical(Driver):
    name = "x2apic-physical"
    summary = "one WRMSR per target; the usual cloud default"
    apic_mode = "x2apic"

    def probe(self, guest: Guest, linux: LinuxEra) -> bool:
        return uses_x2apic(guest, linux) and not guest.intremap

    def send_IPI(self, apic: Apic, cpu: int, vector: int) -> Ops:
        yield from x2apic_fence(apic)
        yield WrMsr(x2apic_msr(APIC_ICR), apic.id(cpu) << 32 | icr_low(vector))

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        def loop() -> Ops:
            yield Scan(len(cpus))
            for cpu in cpus:
                yield WrMsr(x2apic_msr(APIC_ICR), apic.id(cpu) << 32 | icr_low(vector))

        yield from x2apic_fence(apic)
        yield from irqs_off(loop())

    def mask_counts(self, masks: Masks) -> MaskCounts:
        return masks.counts(icr_writes=masks.sizes)

    def send_shorthand(self, apic: Apic, shorthand: str, vector: int) -> Ops:
        return x2apic_shorthand(apic, shorthand, vector)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [X2apicPhysical()]
