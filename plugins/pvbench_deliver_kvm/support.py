"""What this delivery can run: read from a task and what was tried on this host."""

from __future__ import annotations

from typing import Final

from pvbench.delivery import Task
from pvbench_deliver_kvm import mailbox
from pvbench_deliver_kvm.algorithms import DRIVERS, OVERLAYS

# How a guest's hypercalls reach a KVM that only knows the merged KVM_HC_SEND_IPI.
HYPERCALL_ABIS: Final = {
    "kvm": mailbox.HYPERCALL_KVM,
    "kvm-v3": mailbox.HYPERCALL_KVM_V3,
    "kvm-cluster128": mailbox.HYPERCALL_KVM_CLUSTER128,
    "hyperv": mailbox.HYPERCALL_HYPERV,
}
_STAND_INS: Final = {
    "kvm-v3": "the merged KVM_HC_SEND_IPI with min 0",
    "kvm-cluster128": "the merged KVM_HC_SEND_IPI with min = 128 * cluster",
}


def stand_in(hypercall_abi: str) -> str | None:
    """What is called instead of a hypercall that was never merged."""
    return _STAND_INS.get(hypercall_abi)


def has_algorithm(task: Task) -> bool:
    """The guest has the sender's algorithm as code of its own."""
    algorithm = task.algorithm
    return (
        algorithm is not None
        and algorithm.driver in DRIVERS
        and algorithm.overlay in OVERLAYS
    )
