"""
The five tests of Yury Norov's ipi_benchmark, run on CPU 0.

Follows his kernel module (2017), which disables preemption and passes wait=1 in every
test.  "Self" runs the function locally and sends no interrupt; "normal" always goes to
the first other CPU; the lock of the last test is on the sender's stack.
"""

from __future__ import annotations

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst
from pvbench.workload import Workload

pvbench_api = 1


def dry_run(guest: Guest) -> tuple[Burst, ...]:
    return ()


def self_ipi(guest: Guest) -> tuple[Burst, ...]:
    return (Burst(source=0, operation="smp_call_function_single", targets=(0,)),)


def normal_ipi(guest: Guest) -> tuple[Burst, ...]:
    return (Burst(source=0, operation="smp_call_function_single", targets=guest.others(0)[:1]),)


def broadcast(guest: Guest) -> tuple[Burst, ...]:
    return (_to_all_others(guest, lock=False),)


def broadcast_lock(guest: Guest) -> tuple[Burst, ...]:
    return (_to_all_others(guest, lock=True),)


def _to_all_others(guest: Guest, *, lock: bool) -> Burst:
    return Burst(
        source=0,
        operation="smp_call_function_many",
        targets=guest.others(0),
        lock=lock,
    )


@hookimpl
def pvbench_workloads() -> list[Workload]:
    return [
        Workload(name="dry-run", summary="an empty iteration", bursts=dry_run),
        Workload(
            name="self-ipi",
            summary="a function call to the sending CPU, no IPI",
            bursts=self_ipi,
        ),
        Workload(
            name="normal-ipi",
            summary="one IPI to the first other CPU, acknowledged",
            bursts=normal_ipi,
            needs_cpus=2,
        ),
        Workload(
            name="broadcast",
            summary="IPIs to all other CPUs, all acknowledged",
            bursts=broadcast,
            needs_cpus=2,
        ),
        Workload(
            name="broadcast-lock",
            summary="broadcast with handlers that share one spinlock",
            bursts=broadcast_lock,
            needs_cpus=2,
        ),
    ]
