"""Xen event channels: numbers of Xen's public/xen.h, event_channel.h and Linux."""

from __future__ import annotations

from typing import Final

from pvbench.x86.apic import (
    CALL_FUNCTION_SINGLE_VECTOR,
    CALL_FUNCTION_VECTOR,
    IRQ_WORK_VECTOR,
    RESCHEDULE_VECTOR,
)

__HYPERVISOR_event_channel_op: Final = 32
EVTCHNOP_send: Final = 4
XEN_ENOENT: Final = 2
XEN_ENOSYS: Final = 38

# Linux's enum ipi_vector in its order; arch/x86/xen/smp.c, xen_map_vector().
# An NMI is no event: Linux asks for it by VCPUOP_send_nmi.
XEN_NR_IPIS: Final = 6
XEN_IPI_OF_VECTOR: Final = {
    RESCHEDULE_VECTOR: 0,
    CALL_FUNCTION_VECTOR: 1,
    CALL_FUNCTION_SINGLE_VECTOR: 2,
    IRQ_WORK_VECTOR: 4,
}
EVTCHN_FIFO_NR_CHANNELS: Final = 1 << 17


def evtchn_port(cpu: int, ipi: int) -> int:
    """Port of *ipi* on *cpu* in a guest that binds all IPIs of a CPU at its start-up."""
    return 1 + cpu * XEN_NR_IPIS + ipi
