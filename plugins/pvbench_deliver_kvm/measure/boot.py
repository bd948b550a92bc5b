"""Boot a guest that can run tasks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pvbench.delivery import BootedGuest
from pvbench.guest import Guest


@contextmanager
def boot_guest(guest: Guest, settings: dict[str, Any]) -> Iterator[BootedGuest]:
    """Boot *guest*; *settings* are those of the delivery."""
    from pvbench_deliver_kvm import build
    from pvbench_deliver_kvm.measure.algorithms import HYPERCALL_ABIS
    from pvbench_deliver_kvm.measure.kvm_guest import KvmBootedGuest
    from pvbench_deliver_kvm.vmm.booted_guest import Start, booted_vm

    start = Start(
        image=build.image(),
        hypercall_abi=HYPERCALL_ABIS[guest.hypercall_abi],
        cpus=tuple(settings["cpus"]),
        patience_s=settings["patience_s"],
        halt_poll_ns=settings.get("halt_poll_ns"),
        niceness=max(os.nice(0), LOW_PRIORITY if settings["software"] else 0),
    )
    with booted_vm(guest, start) as vm:
        yield KvmBootedGuest(
            vm, execution=settings["execution"], facts=settings.get("facts", {})
        )


LOW_PRIORITY = 10  # nice value of vCPU threads on a software KVM, which emulates in the kernel
