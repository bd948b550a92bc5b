"""Commands to the CPUs of a booted guest: each is sent by an MSI and waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

from pvbench.errors import PvbenchError, Status
from pvbench.x86.apic import FIRST_EXTERNAL_VECTOR
from pvbench_deliver_kvm.vmm import faults, vcpu_threads
from pvbench_deliver_kvm.vmm.guest_memory import GuestMemory
from pvbench_deliver_kvm.vmm.vcpu_threads import (
    Event,
    GuestException,
    VcpuFailed,
    VcpuThread,
)
from pvbench_deliver_kvm.vmm.vm import Vm

START_VECTORS: Final = (FIRST_EXTERNAL_VECTOR, FIRST_EXTERNAL_VECTOR + 1)
_POLL_S: Final = 0.0005


class GuestError(PvbenchError):
    """A guest took an unexpected exception or exit, or it does not answer any more."""

    status = Status.ENVIRONMENT


class Commands:
    """
    Sends commands to CPUs and waits until they are completed.

    Args:
        apic_ids: of the CPUs, by CPU number.
        threads: one for each vCPU, all with one queue of events.
        patience_s: the longest time without progress before a guest is given up.
    """

    def __init__(
        self,
        vm: Vm,
        memory: GuestMemory,
        apic_ids: tuple[int, ...],
        threads: list[VcpuThread],
        *,
        patience_s: float,
    ) -> None:
        self._vm, self._memory, self._apic_ids = vm, memory, apic_ids
        self._threads, self._patience_s = threads, patience_s
        self.events: SimpleQueue[Event] = threads[0].events
        self.start_vector = START_VECTORS[0]

    def run(self, command: int, sources: dict[int, int], progress: Callable[[], int]) -> None:
        """
        Let CPUs carry out a command, and return when all have completed it.

        Args:
            command: one of mailbox.COMMAND_*.
            sources: the number of the ``struct source`` to use, by CPU.
            progress: a number that grows as long as the guest makes progress.

        Raises:
            GuestError: a CPU fails, or the guest makes no progress.
        """
        self._assign(command, sources)
        self._signal(tuple(sources))
        running, last = set(sources), -1
        while running:
            try:
                event = self.events.get(timeout=self._patience_s)
            except Empty:
                last = self._checked_progress(progress(), last, min(running))
                continue
            self._raise(event)
            running.discard(event.cpu)

    def run_disabled(self, command: int, sources: dict[int, int]) -> None:
        """
        As `run`, for halted CPUs whose APIC drops the interrupt that starts a command.

        A wake-up that comes just before a CPU halts has no effect, so they are repeated, at
        longer and longer times in which a slow host lets the CPU run.
        """
        self._assign(command, sources)
        running, end, pause_s = set(sources), time.monotonic() + self._patience_s, _POLL_S
        while running:
            for cpu in running:
                self._threads[cpu].wake()
            with suppress(Empty):
                event = self.events.get(timeout=pause_s)
                self._raise(event)
                running.discard(event.cpu)
            pause_s *= 2
            if time.monotonic() > end:
                raise GuestError(f"CPU {min(running)} does not wake up")

    def _assign(self, command: int, sources: dict[int, int]) -> None:
        for cpu, number in sources.items():
            area = self._memory.cpu(cpu)
            area.source, area.command = number, command

    def _checked_progress(self, now: int, last: int, cpu: int) -> int:
        if now > last >= 0 or (now and last < 0):
            return now
        raise GuestError(
            f"CPU {cpu} made no progress for {self._patience_s:g} s", why=self._position(cpu)
        )

    def _position(self, cpu: int) -> str:
        """Stop the guest and say where a CPU was; a running vCPU does not show its RIP."""
        vcpu_threads.stop(self._threads)
        return f"it was at RIP {self._vm.vcpus[cpu].get_regs().rip:#x}"

    def synchronise(self, cpus: tuple[int, ...]) -> None:
        """Return when *cpus* have handled every interrupt that was sent to them before."""
        for _ in range(2):  # the first MSI may overtake an interrupt of its own priority
            before = {cpu: self._starts(cpu) for cpu in cpus}
            self._signal(cpus)
            handled = partial(self._have_started, before)
            self.wait(handled, self._patience_s, "handle its pending interrupts")

    def _signal(self, cpus: tuple[int, ...]) -> None:
        for cpu in cpus:
            self._vm.signal_msi(self._apic_ids[cpu], self.start_vector)

    def use_vectors(self, vectors: set[int]) -> None:
        """Start CPUs by a vector that is not one of *vectors*."""
        self.start_vector = next(v for v in START_VECTORS if v not in vectors)
        self._memory.mailbox.start_vector = self.start_vector

    def _have_started(self, before: dict[int, int]) -> bool:
        return all(self._starts(cpu) != count for cpu, count in before.items())

    def _starts(self, cpu: int) -> int:
        return int(self._memory.cpu(cpu).runs[self.start_vector])

    def wait(self, condition: Callable[[], bool], limit_s: float, action: str) -> None:
        """
        Return when *condition* says so.

        Raises:
            GuestError: a CPU fails, or the guest does not *action* in time.
        """
        end = time.monotonic() + limit_s
        while not condition():
            while not self.events.empty():
                self._raise(self.events.get())
            if time.monotonic() > end:
                raise GuestError(f"the guest did not {action} within {limit_s:g} s")
            time.sleep(_POLL_S)

    def _raise(self, event: Event) -> None:
        match event:
            case GuestException(cpu):
                fault = faults.description(self._memory.cpu(cpu))
                raise GuestError(f"CPU {cpu} raised {fault}")
            case VcpuFailed(cpu, reason):
                raise GuestError(f"CPU {cpu}: {reason}")
