"""Programs for Linux as tasks of a delivery, and a guest for them."""

from __future__ import annotations

from pvbench.delivery import Algorithm, Task
from pvbench.guest import Guest
from support.helpers import guest_of

GUEST: Guest = guest_of(range(6), host_cpus=1)


def task_of(*program: str, has_pv_ipi: bool, idle: str = "halted") -> Task:
    """A program, for a guest with PV IPIs or without them."""
    return Task(
        bursts=(),
        programs=(),
        reached=(),
        program_for=lambda burst, cpus: (),
        mechanism="hypercall" if has_pv_ipi else "icr",
        target_state=idle,
        algorithm=Algorithm(driver="x2apic-physical", overlay="kvm-pv" if has_pv_ipi else ""),
        program=program,
    )
