"""
One ICR2 and ICR pair per target, each after a busy-wait for the previous one.

Follows Linux, arch/x86/kernel/apic/ipi.c, default_send_IPI_mask_sequence_phys().
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.linux_era import LinuxEra, uses_flat, uses_x2apic
from pvbench.ops import Scan
from pvbench.sender import Apic, Driver, Ops, Sender
from pvbench.sequences import irqs_off, xapic_send, xapic_shorthand
from pvbench.x86.apic import icr_low

if TYPE_CHECKING:  # masks need numpy, which no worker needs
    from pvbench.masks import MaskCounts, Masks

pvbench_api = 1


class XapicPhysical(Driver):
    name = "xapic-physical"
    summary = "one ICR2+ICR pair per target, busy-wait before each"
    apic_mode = "xapic"

    def probe(self, guest: Guest, linux: LinuxEra) -> bool:
        return not uses_x2apic(guest, linux) and not uses_flat(guest, linux)

    def send_IPI(self, apic: Apic, cpu: int, vector: int) -> Ops:
        return irqs_off(xapic_send(apic.id(cpu), icr_low(vector)))

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        def loop() -> Ops:
            yield Scan(len(cpus))
            for cpu in cpus:
                yield from xapic_send(apic.id(cpu), icr_low(vector))

        return irqs_off(loop())

    def mask_counts(self, masks: Masks) -> MaskCounts:
        return masks.counts(icr_writes=masks.sizes)

    def send_shorthand(self, apic: Apic, shorthand: str, vector: int) -> Ops:
        return xapic_shorthand(shorthand, vector)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [XapicPhysical()]
