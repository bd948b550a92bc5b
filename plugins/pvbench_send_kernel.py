"""
The running kernel's own IPIs, which delivery `live` measures.

A program can make the kernel call a function on other CPUs and wait for it, for example
with membarrier(2).  How the kernel sends the interrupts is not visible to the program, so
this driver states only which CPUs they reach.

Follows Linux, kernel/sched/membarrier.c and kernel/smp.c, smp_call_function_many().
"""

from __future__ import annotations

from typing import Final

from pvbench.dispatch import reached
from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst, KernelSend
from pvbench.sender import Apic, Driver, Ops, Sender
from pvbench.x86.apic import CALL_FUNCTION_SINGLE_VECTOR, CALL_FUNCTION_VECTOR, NMI_VECTOR

pvbench_api = 1

_VECTORS: Final = {
    "smp_call_function_single": CALL_FUNCTION_SINGLE_VECTOR,
    "smp_call_function_many": CALL_FUNCTION_VECTOR,
}


class Kernel(Driver):
    name = "kernel"
    summary = "the running kernel's own way of sending; for delivery live"
    mechanism = "kernel"
    apic_mode = "x2apic"  # part of the boot key only: nothing boots and no mode changes

    def why_refused(self, burst: Burst, guest: Guest) -> str | None:
        operation, vector = burst.operation, burst.vector
        linux_vector = _VECTORS.get(operation, vector)
        reasons = {
            "a program cannot make the kernel send NMIs": vector == NMI_VECTOR,
            f"a program cannot make the kernel call {operation}": operation not in _VECTORS,
            "the kernel chooses the vectors of function calls itself": vector != linux_vector,
            "a function call that reaches no other CPU sends no IPI": not reached(burst, guest),
            "membarrier always waits until the function calls are done": not burst.wait,
            "the function that membarrier calls takes no lock": burst.lock,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def send_IPI(self, apic: Apic, cpu: int, vector: int) -> Ops:
        yield KernelSend(vector, (cpu,))

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        if cpus:
            yield KernelSend(vector, cpus)

    def send_shorthand(self, apic: Apic, shorthand: str, vector: int) -> Ops:
        all_cpus = apic.guest.online
        others = apic.without_self(all_cpus)
        targets = {"self": (apic.source,), "all": all_cpus, "allbutself": others}
        return self.send_IPI_mask(apic, targets[shorthand], vector)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [Kernel()]
