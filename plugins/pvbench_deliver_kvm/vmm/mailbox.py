"""The structures that guest and host share, in the order of guest/abi.h."""

from __future__ import annotations

from ctypes import Structure, c_uint32, c_uint64
from typing import Final

PVBENCH_GUEST_ABI: Final = 6
PORT_DONE: Final = 0x10
PORT_FAULT: Final = 0x11

OP_END: Final = 0
OP_IRQ_SAVE: Final = 1
OP_IRQ_RESTORE: Final = 2
OP_FENCE: Final = 3
OP_SCAN: Final = 4
OP_WRMSR: Final = 5
OP_MMIO_WRITE: Final = 6
OP_WRITE_MEM: Final = 7
OP_WAIT_ICR_IDLE: Final = 8
OP_HYPERCALL: Final = 9
OP_CPUID: Final = 10
OP_RDMSR: Final = 11

RULE_SHORTHANDS: Final = 1
RULE_FENCE: Final = 2
RULE_UNICAST_OF_REST: Final = 4
RULE_PV_WINDOW: Final = 8

HYPERCALL_KVM: Final = 0
HYPERCALL_KVM_V3: Final = 1
HYPERCALL_KVM_CLUSTER128: Final = 2
HYPERCALL_HYPERV: Final = 3

COMMAND_NONE: Final = 0
COMMAND_RUN: Final = 1
COMMAND_RECORD: Final = 2

BUSY: Final = 0
HALTED: Final = 1
RUNNING: Final = 2

TROUBLE_NONE: Final = 0
TROUBLE_OP_FAULT: Final = 1
TROUBLE_NO_ACK: Final = 2
TROUBLE_CSD_BUSY: Final = 3
TROUBLE_NOT_IDLE: Final = 4
TROUBLE_ALONE: Final = 5
TROUBLE_RECORD_FULL: Final = 6


def _u32(*names: str) -> list[tuple[str, type]]:
    return [(name, c_uint32) for name in names]


def _u64(*names: str) -> list[tuple[str, type]]:
    return [(name, c_uint64) for name in names]


class Mailbox(Structure):
    """``struct mailbox``: one page."""

    _fields_ = [
        *_u32("abi", "cpus", "x2apic", "vmmcall", "hypercall_abi", "idle", "start_vector"),
        *_u32("call_queues", "nsources", "arrived", "lock", "take_lock"),
        *_u64("limit_ticks", "apic_ids", "sources", "bits"),
        ("reserved", c_uint64 * 502),
    ]


class Source(Structure):
    """``struct source``: one source CPU and its burst."""

    _fields_ = [
        *_u32("cpu", "operation", "vector", "single_vector", "wait", "wait_idle", "algorithm"),
        *_u32("driver", "overlay", "rules", "csd", "local", "ntargets", "loops"),
        *_u32("trouble", "where"),
        *_u64("program", "program_end", "mask", "targets", "entries", "samples", "partial"),
        *_u64("done", "icr_writes", "hypercalls", "returned", "start", "end"),
        ("reserved", c_uint64 * 3),
    ]


class Entry(Structure):
    """``struct entry``: one request of a source to a target."""

    _fields_ = [
        *_u64("next", "generation", "acked", "entered"),
        ("reserved", c_uint64 * 4),
    ]


class Sample(Structure):
    """``struct sample``: ticks of one burst; 0 if the guest did not take the time."""

    _fields_ = _u64("send", "irqoff", "deliver", "ack", "wall")


class Cpu(Structure):
    """``struct cpu``: the state of one CPU."""

    _fields_ = [
        *_u64("self"),
        *_u32("number", "apic_id", "command", "source", "idle", "booted"),
        *_u64("call_queue", "functions"),
        *_u64("fault_vector", "fault_error", "fault_rip", "fault_cr2", "impossible"),
        ("reserved", c_uint64 * 5),
        ("runs", c_uint32 * 256),
    ]
