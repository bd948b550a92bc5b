"""
One thread for each vCPU, which reports the exits that user space handles.

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
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

import attrs

from pvbench.errors import UnavailableError
from pvbench_deliver_kvm.vmm import exits, mailbox, uapi
from pvbench_deliver_kvm.vmm.exits import Interrupted, Io, Shutdown, VcpuExit
from pvbench_deliver_kvm.vmm.vcpu import Vcpu

STACK_BYTES: Final = 256 << 10  # of a vCPU thread; it calls one ioctl
KICK: Final = signal.SIGUSR1
_POLL_S: Final = 0.0005
_NR_TGKILL: Final = 234  # x86-64

_syscall = ctypes.CDLL(None).syscall


def send_kick(thread: int) -> None:
    """Send KICK to one thread of this process, by its id."""
    _syscall(_NR_TGKILL, os.getpid(), thread, KICK)


@attrs.frozen
class CommandDone:
    """A CPU has completed its command."""

    cpu: int


@attrs.frozen
class GuestException:
    """A CPU took an exception that no handler expects; its ``struct cpu`` describes it."""

    cpu: int


@attrs.frozen
class VcpuFailed:
    """A vCPU does not run any more."""

    cpu: int
    reason: str


Event = CommandDone | GuestException | VcpuFailed


class VcpuThread(threading.Thread):
    """
    Runs one vCPU until it is stopped, and puts an event for each exit into *events*.

    Args:
        host_cpu: the only CPU the thread may run on; None for any.
        niceness: the nice value of the thread.
        send: called with the thread's id to interrupt KVM_RUN.
    """

    def __init__(
        self,
        number: int,
        vcpu: Vcpu,
        events: SimpleQueue[Event],
        *,
        host_cpu: int | None,
        niceness: int,
        send: Callable[[int], object] = send_kick,
    ) -> None:
        super().__init__(name=f"vcpu-{number}", daemon=True)
        self.number, self.vcpu = number, vcpu
        self.events, self._host_cpu, self._niceness = events, host_cpu, niceness
        self._send = send
        self.stopping = False
        self._lock = threading.Lock()
        self._may_be_kicked = False
        self._is_woken = False

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

        The lock keeps the thread from ending before the signal is sent, after which its
        id may belong to another thread.
        """
        with self._lock:
            if self._may_be_kicked and self.native_id:
                self._send(self.native_id)

    def wake(self) -> None:
        """
        Let the vCPU continue behind a hlt, as an interrupt would that its APIC drops.

        It has no effect if the vCPU is not halted yet, so it is repeated.
        """
        self._is_woken = True
        self.kick()

    def _end_halt(self) -> None:
        """Take the pending KICK, without which KVM_RUN would end again; then end the halt."""
        signal.sigtimedwait({KICK}, 0)
        if self._is_woken:
            self._is_woken = False
            self.vcpu.set_mp_state(uapi.KVM_MP_STATE_RUNNABLE)

    def _run_vcpu(self) -> None:
        try:
            self._pin()
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness)
            while not self.stopping:
                vcpu_exit = self.vcpu.run()
                if vcpu_exit != Interrupted():
                    self.events.put(self._event_of(vcpu_exit))
                elif not self.stopping:
                    self._end_halt()
        except Exception as error:  # the thread that waits for events must get this one
            self.events.put(VcpuFailed(self.number, str(error)))

    def _pin(self) -> None:
        if self._host_cpu is None:
            return
        try:
            os.sched_setaffinity(0, {self._host_cpu})
        except OSError as error:
            raise UnavailableError(
                f"host CPU {self._host_cpu} cannot be used", why=str(error.strerror)
            ) from None

    def _event_of(self, vcpu_exit: VcpuExit) -> Event:
        match vcpu_exit:
            case Io(port=mailbox.PORT_DONE):
                return CommandDone(self.number)
            case Io(port=mailbox.PORT_FAULT):
                return GuestException(self.number)
        self.stopping = True
        reason = exits.description(vcpu_exit)
        if vcpu_exit != Shutdown():
            reason += f" at RIP {self.vcpu.get_regs().rip:#x}"
        return VcpuFailed(self.number, reason)


def start(threads: list[VcpuThread]) -> None:
    """
    Start all threads.

    Raises:
        UnavailableError: the host refuses to create one.
    """
    before = threading.stack_size(STACK_BYTES)
    try:
        for thread in threads:
            thread.start()
    except RuntimeError as error:
        raise UnavailableError(
            f"the thread of vCPU {sum(t.ident is not None for t in threads)} cannot be created",
            why=str(error),
            fix="Check RLIMIT_NPROC and pids.max.",
        ) from None
    finally:
        threading.stack_size(before)


def stop(threads: list[VcpuThread]) -> None:
    """Interrupt every vCPU until its thread has ended; may be called again."""
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
