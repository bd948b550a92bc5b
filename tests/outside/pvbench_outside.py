"""A plugin of another author: PV IPIs without multicast, and a call to every n-th CPU."""

from __future__ import annotations

from collections.abc import Iterable

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.kvm_overlay import KvmOverlay
from pvbench.ops import Burst
from pvbench.sender import Sender
from pvbench.workload import Workload

pvbench_api = 1


class KvmPvOneByOne(KvmOverlay):
    name = "kvm-pv-one-by-one"
    summary = "one hypercall per target: what multicast is worth"
    hypercall_abi = "kvm"

    def calls(self, apic_ids: list[int], icr: int, bits: int) -> Iterable[tuple[int, ...]]:
        for apic_id in apic_ids:
            yield 1, 0, apic_id, icr


def every_nth(guest: Guest, step: int) -> tuple[Burst, ...] | str:
    if not 0 < step < len(guest.apic_ids):
        return f"no CPU is {step} after the first"
    targets = guest.online[step::step]
    return (Burst(source=0, operation="smp_call_function_many", targets=targets),)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [KvmPvOneByOne()]


@hookimpl
def pvbench_workloads() -> list[Workload]:
    return [
        Workload(
            name="every",
            summary="one call to every n-th CPU",
            bursts=every_nth,
            parameters={"step": 1},
        )
    ]
