"""The senders and operations that the guest has as its own code, by guest/abi.h's enums."""

from __future__ import annotations

from typing import Final

from pvbench.delivery import Task
from pvbench.linux_era import PV_WINDOW, UNICAST_OF_REST, LinuxEra
from pvbench_deliver_kvm.vmm import mailbox

OPERATIONS: Final = {
    "smp_call_function_single": 0,
    "smp_call_function_many": 1,
    "send_IPI": 2,
    "send_IPI_mask": 3,
    "send_IPI_mask_allbutself": 4,
    "send_IPI_allbutself": 5,
    "send_IPI_all": 6,
    "send_IPI_self": 7,
}

DRIVER_NULL: Final = 0  # callbacks that do nothing; no sender has it
DRIVERS: Final = {
    "xapic-flat": 1,
    "xapic-physical": 2,
    "x2apic-physical": 3,
    "x2apic-cluster": 4,
}

OVERLAYS: Final = {
    "": 0,  # a native stack
    "shorthand": 1,
    "kvm-pv": 2,
    "kvm-pv-4.19": 3,
    "kvm-pv128-v3": 4,
    "kvm-pv-cluster128": 5,
    "kvm-pv-cluster192": 6,
    "hyperv-ipi": 7,
    "xen-evtchn": 8,
    "kvm-pv-single": 9,
}


def rules_of(linux: LinuxEra) -> int:
    """The rules of a kernel as bits of guest/abi.h's RULE_*."""
    bits = {
        mailbox.RULE_SHORTHANDS: linux.shorthands,
        mailbox.RULE_FENCE: linux.fence,
        mailbox.RULE_UNICAST_OF_REST: linux.follows(UNICAST_OF_REST),
        mailbox.RULE_PV_WINDOW: linux.follows(PV_WINDOW),
    }
    return sum(bit for bit, holds in bits.items() if holds)


def has_algorithm(task: Task) -> bool:
    """Whether the guest has the sender's algorithm as its own code."""
    algorithm = task.algorithm
    return (
        algorithm is not None and algorithm.driver in DRIVERS and algorithm.overlay in OVERLAYS
    )
