"""
One WRMSR per x2APIC cluster: up to 16 targets share a logical destination.

Follows Linux, arch/x86/kernel/apic/x2apic_cluster.c, __x2apic_send_IPI_mask().
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.linux_era import LinuxEra, uses_x2apic
from pvbench.ops import Scan, WrMsr
from pvbench.sender import Apic, Driver, Ops, Sender
from pvbench.sequences import irqs_off, x2apic_fence, x2apic_shorthand
from pvbench.x86.apic import (
    APIC_DEST_LOGICAL,
    APIC_ICR,
    X2APIC_BROADCAST,
    X2APIC_LOGICAL_IDS,
    icr_low,
    x2apic_logical_id,
    x2apic_msr,
)

if TYPE_CHECKING:  # masks need numpy, which no worker needs
    from pvbench.masks import MaskCounts, Masks

pvbench_api = 1


class X2apicCluster(Driver):
    name = "x2apic-cluster"
    summary = "one WRMSR per cluster of 16"
    apic_mode = "x2apic"

    def probe(self, guest: Guest, linux: LinuxEra) -> bool:
        return uses_x2apic(guest, linux) and guest.intremap

    def why_unsupported(self, guest: Guest) -> str | None:
        if max(guest.logical) >= X2APIC_LOGICAL_IDS:
            return "APIC IDs of 2^20 and above have no unique logical x2APIC ID"
        if X2APIC_BROADCAST in logical_destinations(map(x2apic_logical_id, guest.logical)):
            return "the logical x2APIC ID of all 16 CPUs of the last cluster is the broadcast"
        return None

    def send_IPI(self, apic: Apic, cpu: int, vector: int) -> Ops:
        yield from x2apic_fence(apic)
        yield _write_icr(apic.logical_id(cpu), vector)

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        def loop() -> Ops:
            yield Scan(len(cpus))
            for destination in logical_destinations(map(apic.logical_id, cpus)):
                yield _write_icr(destination, vector)

        yield from x2apic_fence(apic)
        yield from irqs_off(loop())

    def mask_counts(self, masks: Masks) -> MaskCounts:
        clusters = [x2apic_logical_id(number) >> 16 for number in masks.guest.logical]
        return masks.counts(icr_writes=masks.groups(clusters))

    def send_shorthand(self, apic: Apic, shorthand: str, vector: int) -> Ops:
        return x2apic_shorthand(apic, shorthand, vector)


def logical_destinations(logical_ids: Iterable[int]) -> list[int]:
    """OR the logical IDs of each cluster's targets, in order of first appearance."""
    members: dict[int, int] = {}
    for logical in logical_ids:
        members[logical >> 16] = members.get(logical >> 16, 0) | logical
    return list(members.values())


def _write_icr(destination: int, vector: int) -> WrMsr:
    icr = icr_low(vector, APIC_DEST_LOGICAL)
    return WrMsr(x2apic_msr(APIC_ICR), destination << 32 | icr)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [X2apicCluster()]
