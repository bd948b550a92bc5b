"""Boot a guest that can run tasks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from pvbench.guest import Guest
from pvbench.host import pv_ipi_abi
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.measure import hypercall_abis
from pvbench_deliver_kvm.measure.kvm_guest import KvmBootedGuest
from pvbench_deliver_kvm.settings import Settings
from pvbench_deliver_kvm.vmm.booted_guest import Start, booted_vm

# The nice value of vCPU threads on a software KVM, which emulates guests in the kernel.
LOW_PRIORITY: Final = 10


@contextmanager
def boot_guest(guest: Guest, settings: Settings) -> Iterator[KvmBootedGuest]:
    """Boot *guest* as the settings say."""
    pv_ipi_abi.serve(hypercall_abis.executed(guest.hypercall_abi, settings.served))
    start = start_of(guest, settings, image=build.image(), niceness=os.nice(0))
    facts = settings.facts | hypercall_abis.facts(guest.hypercall_abi, settings.served)
    with booted_vm(guest, start) as vm:
        booted = KvmBootedGuest(
            vm,
            execution=settings.execution,
            facts=facts,
            near_exact=settings.near_exact,
        )
        with closing(booted):
            yield booted


def start_of(guest: Guest, settings: Settings, *, image: bytes, niceness: int) -> Start:
    """The settings of a boot of *guest*; *niceness* is that of this process."""
    lowest = LOW_PRIORITY if settings.software else 0
    return Start(
        image=image,
        hypercall_abi=hypercall_abis.in_mailbox(guest.hypercall_abi, settings.served),
        cpus=settings.cpus,
        patience_s=settings.patience_s,
        halt_poll_ns=settings.halt_poll_ns,
        niceness=max(niceness, lowest),
    )
