"""
One event-channel hypercall per target; Xen has no multicast.

Follows Linux, arch/x86/xen/smp.c, __xen_send_IPI_mask(): EVTCHNOP_send on the
port bound to that CPU's IPI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst, Hypercall, Scan, WriteMem
from pvbench.sender import Apic, Ops, Sender
from pvbench.sequences import input_page
from pvbench.x86.xen import (
    EVTCHN_FIFO_NR_CHANNELS,
    XEN_IPI_OF_VECTOR,
    XEN_NR_IPIS,
    EVTCHNOP_send,
    __HYPERVISOR_event_channel_op,
    evtchn_port,
)

if TYPE_CHECKING:  # masks need numpy, which no worker needs
    from pvbench.masks import MaskCounts, Masks

pvbench_api = 1


class XenEvtchn(Sender):
    name = "xen-evtchn"
    summary = "one event-channel hypercall per target"
    mechanism = "hypercall"
    hypercall_abi = "xen"

    def why_unsupported(self, guest: Guest) -> str | None:
        needed = evtchn_port(len(guest.apic_ids), 0)
        if needed > EVTCHN_FIFO_NR_CHANNELS:
            return (
                f"{XEN_NR_IPIS} event channels per CPU exceed Xen's limit of "
                f"{EVTCHN_FIFO_NR_CHANNELS}"
            )
        return None

    def why_refused(self, burst: Burst, guest: Guest) -> str | None:
        if burst.vector not in XEN_IPI_OF_VECTOR:
            return f"Linux binds no event channel to vector {burst.vector:#x}"
        return None

    def send_IPI(self, apic: Apic, cpu: int, vector: int) -> Ops:
        return _send(apic, (cpu,), vector)

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        return _send(apic, cpus, vector)

    def mask_counts(self, masks: Masks) -> MaskCounts:
        return masks.counts(hypercalls=masks.sizes, stores=masks.sizes)

    def send_IPI_mask_allbutself(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        return _send(apic, apic.without_self(cpus), vector)

    def send_IPI_allbutself(self, apic: Apic, vector: int) -> Ops:
        return _send(apic, apic.guest.others(apic.source), vector)

    def send_IPI_all(self, apic: Apic, vector: int) -> Ops:
        return _send(apic, apic.guest.online, vector)

    def send_IPI_self(self, apic: Apic, vector: int) -> Ops:
        return _send(apic, (apic.source,), vector)


def _send(apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
    page = input_page(apic.source)
    yield Scan(len(cpus))
    for cpu in cpus:
        port = evtchn_port(cpu, XEN_IPI_OF_VECTOR[vector])
        yield WriteMem(page, (port,))
        yield Hypercall(__HYPERVISOR_event_channel_op, (EVTCHNOP_send, page))


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [XenEvtchn()]
