"""
A thread for each vCPU: started, told of what the guest leaves for, and stopped.

The signal that interrupts KVM_RUN is blocked in these threads, and unblocked by
KVM_SET_SIGNAL_MASK during KVM_RUN only.  It ends the ioctl with EINTR and stays
pending, so it is never delivered: it needs no handler, and its default action, which
would end the process, cannot happen.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from queue import SimpleQueue
from typing import Final

import attrs

from pvbench.errors import UnavailableError
from pvbench_deliver_kvm.vmm import mailbox, uapi
from pvbench_deliver_kvm.vmm.vcpu import EXITS, Vcpu

STACK_BYTES: Final = 256 << 10  # of a vCPU thread; it calls one ioctl
KICK: Final = signal.SIGUSR1
_POLL_S: Final = 0.0005
_NR_TGKILL: Final = 234  # x86-64

_syscall = ctypes.CDLL(None).syscall


@attrs.frozen
class Event:
    """CPU *cpu* has carried out its command, or *trouble* says what became of it."""

    cpu: int
    trouble: str


class VcpuThread(threading.Thread):
    """
    Runs one vCPU until it is stopped; what the guest leaves for goes to *events*.

    Args:
        host_cpu: the only CPU it may run on; None for any.
        niceness: of the thread.
    """

    def __init__(
        self,
        number: int,
        vcpu: Vcpu,
        events: SimpleQueue[Event],
        *,
        host_cpu: int | None,
        niceness: int,
    ) -> None:
        super().__init__(name=f"vcpu-{number}", daemon=True)
        self.number, self.vcpu = number, vcpu
        self._events, self._host_cpu, self._niceness = events, host_cpu, niceness
        self.stopping = False
        self._lock = threading.Lock()
        self._may_be_kicked = False

    def run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {KICK})
        self._allow_kicks(True)
        try:
            self._run_vcpu()
        finally:
            self._allow_kicks(False)

    def _allow_kicks(self, allowed: bool) -> None:
        with self._lock:
            self._may_be_kicked = allowed

    def kick(self) -> None:
        """
        Interrupt KVM_RUN, if the thread may be in it.

        The lock keeps the thread from ending meanwhile, so its number stays its own.
        """
        with self._lock:
            if self._may_be_kicked:
                _syscall(_NR_TGKILL, os.getpid(), self.native_id, KICK)

    def _run_vcpu(self) -> None:
        try:
            self._pin()
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness)
            while not self.stopping:
                if reason := self.vcpu.run():
                    self._events.put(Event(self.number, self._told(reason)))
        except Exception as error:  # the machine must hear of it
            self._events.put(Event(self.number, str(error)))

    def _pin(self) -> None:
        if self._host_cpu is None:
            return
        try:
            os.sched_setaffinity(0, {self._host_cpu})
        except OSError as error:
            raise UnavailableError(
                f"host CPU {self._host_cpu} cannot be used", why=str(error.strerror)
            ) from None

    def _told(self, reason: int) -> str:
        state = self.vcpu.state
        if reason == uapi.KVM_EXIT_IO and state.io.port == mailbox.PORT_DONE:
            return ""
        if reason == uapi.KVM_EXIT_IO and state.io.port == mailbox.PORT_FAULT:
            return "exception"
        self.stopping = True
        return _exit(reason, self.vcpu)


def _exit(reason: int, vcpu: Vcpu) -> str:
    state, name = vcpu.state, EXITS.get(reason, f"exit {reason}")
    if reason == uapi.KVM_EXIT_SHUTDOWN:
        return "triple fault (KVM_EXIT_SHUTDOWN)"
    rip = vcpu.get_regs().rip
    if reason == uapi.KVM_EXIT_MMIO:
        done = "writes to" if state.mmio.is_write else "reads from"
        return f"{done} {state.mmio.phys_addr:#x}, outside its memory, at RIP {rip:#x}"
    if reason == uapi.KVM_EXIT_IO:
        return f"leaves by port {state.io.port:#x}, which nobody serves, at RIP {rip:#x}"
    if reason == uapi.KVM_EXIT_INTERNAL_ERROR:
        return f"{name}, suberror {state.internal.suberror}, at RIP {rip:#x}"
    return f"{name} at RIP {rip:#x}"


def start(threads: list[VcpuThread]) -> None:
    """
    Start them all.

    Raises:
        UnavailableError: the machine refuses one.
    """
    before = threading.stack_size(STACK_BYTES)
    try:
        for thread in threads:
            thread.start()
    except RuntimeError as error:
        raise UnavailableError(
            f"no thread for vCPU {sum(t.ident is not None for t in threads)}",
            why=str(error),
            fix="See RLIMIT_NPROC and pids.max.",
        ) from None
    finally:
        threading.stack_size(before)


def stop(threads: list[VcpuThread]) -> None:
    """Kick every vCPU out of the guest until its thread has ended; once is enough."""
    for thread in threads:
        thread.stopping = True
        thread.vcpu.state.immediate_exit = 1
    running = [thread for thread in threads if thread.is_alive()]
    while running:
        for thread in running:
            thread.kick()
        for thread in running:
            thread.join(_POLL_S)
        running = [thread for thread in running if thread.is_alive()]
