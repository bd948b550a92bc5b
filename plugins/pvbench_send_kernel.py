"""
A running kernel's own way, whatever that is: what `live` measures.

A program can make a kernel call a function on other CPUs, through membarrier(2) for one,
and wait for it; nothing else here can it ask for.  How the interrupts are then sent is
the kernel's business, so this driver says whom they reach and no more.

Follows Linux, kernel/sched/membarrier.c and kernel/smp.c, smp_call_function_many().
"""

from __future__ import annotations

from typing import Final

from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl
from pvbench.ops import Burst, KernelSend
from pvbench.sender import Apic, Driver, Ops, Sender, reached
from pvbench.x86.apic import CALL_FUNCTION_SINGLE_VECTOR, CALL_FUNCTION_VECTOR, NMI_VECTOR

pvbench_api = 1

_VECTORS: Final = {
    "smp_call_function_single": CALL_FUNCTION_SINGLE_VECTOR,
    "smp_call_function_many": CALL_FUNCTION_VECTOR,
}


class Kernel(Driver):
    name = "kernel"
    summary = "whatever the running kernel does; for delivery live"
    mechanism = "kernel"
    apic_mode = "x2apic"  # only a boot key: nothing is booted, and the kernel's own mode stays

    def why_refused(self, burst: Burst, guest: Guest) -> str | None:
        operation, vector = burst.operation, burst.vector
        usual = _VECTORS.get(operation, vector)
        reasons = {
            "a program cannot ask a kernel for NMIs": vector == NMI_VECTOR,
            f"a program cannot ask a kernel for {operation}": operation not in _VECTORS,
            "a kernel chooses the vector of its function calls itself": vector != usual,
            "a function call that reaches no other CPU sends no IPI": not reached(burst, guest),
            "a program waits until the kernel's function calls are done": not burst.wait,
            "the function that a kernel calls takes no lock": burst.lock,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def send_IPI(self, apic: Apic, cpu: int, vector: int) -> Ops:
        yield KernelSend(vector, (cpu,))

    def send_IPI_mask(self, apic: Apic, cpus: tuple[int, ...], vector: int) -> Ops:
        if cpus:
            yield KernelSend(vector, cpus)

    def send_shorthand(self, apic: Apic, shorthand: str, vector: int) -> Ops:
        everyone = tuple(apic.guest.cpus)
        others = apic.without_self(everyone)
        named = {"self": (apic.source,), "all": everyone, "allbutself": others}
        return self.send_IPI_mask(apic, named[shorthand], vector)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [Kernel()]
