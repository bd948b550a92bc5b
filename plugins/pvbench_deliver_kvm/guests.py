"""A booted guest: its VM, a thread for each vCPU, and how it ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from ctypes import memmove
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

import attrs

from pvbench.errors import PvbenchError, Status, UnavailableError
from pvbench.topology import Guest
from pvbench.x86.apic import FIRST_EXTERNAL_VECTOR
from pvbench_deliver_kvm import boot, layout, mailbox, stats, uapi
from pvbench_deliver_kvm.fd import IoctlError
from pvbench_deliver_kvm.kvm import Cpuid, Kvm
from pvbench_deliver_kvm.stats import Counters
from pvbench_deliver_kvm.vcpu import EXITS, Vcpu
from pvbench_deliver_kvm.vm import Vm

STACK_BYTES: Final = 256 << 10  # of a vCPU thread; it calls one ioctl
KICK: Final = signal.SIGUSR1
BOOT_S: Final = 30.0
_POLL_S: Final = 0.0005
_AMD: Final = (b"AuthenticAMD", b"HygonGenuine")
_HYPERVISOR, _HYPERVISOR_END = 0x4000_0000, 0x4000_0100  # CPUID leaves
_START_VECTORS: Final = (FIRST_EXTERNAL_VECTOR, FIRST_EXTERNAL_VECTOR + 1)


class GuestError(PvbenchError):
    """A guest failed: it faulted, left unexpectedly, or stopped answering."""

    status = Status.ENVIRONMENT


@attrs.frozen(kw_only=True)
class Start:
    """
    What a guest boots with.

    Args:
        image: the guest's code.
        hypercall_abi: from mailbox.HYPERCALL_*.
        cpus: host CPUs; vCPU i runs on the i-th, round and round.  Empty for any.
        patience_s: how long a guest may make no progress.
        niceness: of the vCPU threads.
        halt_poll_ns: longest time KVM polls before a halted vCPU sleeps; None leaves
            it to the host.
    """

    image: bytes
    hypercall_abi: int
    cpus: tuple[int, ...]
    patience_s: float
    niceness: int = 0
    halt_poll_ns: int | None = None


class _Thread(threading.Thread):
    """Runs one vCPU until it is stopped; what the guest leaves for goes to *events*."""

    def __init__(
        self, number: int, vcpu: Vcpu, start: Start, events: SimpleQueue[Event]
    ) -> None:
        super().__init__(name=f"vcpu-{number}", daemon=True)
        self._number, self._vcpu, self._start, self._events = number, vcpu, start, events
        self.stopping = False

    def run(self) -> None:
        try:
            if cpus := self._start.cpus:
                os.sched_setaffinity(0, {cpus[self._number % len(cpus)]})
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._start.niceness)
            while not self.stopping:
                if reason := self._vcpu.run():
                    self._events.put(Event(self._number, self._told(reason)))
        except Exception as error:  # the machine must hear of it
            self._events.put(Event(self._number, str(error)))

    def _told(self, reason: int) -> str:
        state = self._vcpu.state
        if reason == uapi.KVM_EXIT_IO and state.io.port == mailbox.PORT_DONE:
            return ""
        if reason == uapi.KVM_EXIT_IO and state.io.port == mailbox.PORT_FAULT:
            return "exception"
        self.stopping = True
        return _exit(reason, self._vcpu)


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


@attrs.frozen
class Event:
    """CPU *cpu* has carried out its command, or *trouble* says what became of it."""

    cpu: int
    trouble: str


class BootedGuest:
    """A guest at rest: every vCPU is booted and idle."""

    def __init__(self, guest: Guest, start: Start, kvm: Kvm, undo: ExitStack) -> None:
        self.guest, self.start = guest, start
        self.vm = undo.enter_context(Vm(kvm, layout.MEMORY_SIZE))
        self.vm.limit_ids(max(guest.apic_ids))
        if start.halt_poll_ns is not None:
            self.vm.poll_before_halt(start.halt_poll_ns)
        self._cpuid = _cpuid(kvm, start.hypercall_abi)
        self.start_vector = FIRST_EXTERNAL_VECTOR
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._load()
        for cpu, apic_id in enumerate(guest.apic_ids):
            self._create(cpu, apic_id)
        # While it runs, a vCPU answers no other ioctl.
        self.tsc_khz = self.vm.vcpus[0].get_tsc_khz()
        self.tscs_agree = _equal_tscs(self.vm.vcpus)
        self.counters = _counters(self.vm.vcpus, undo)
        self.threads = [
            _Thread(cpu, vcpu, start, self._events) for cpu, vcpu in enumerate(self.vm.vcpus)
        ]
        undo.callback(self._stop)
        _start(self.threads)
        self._wait(lambda: all(self.cpu(c).booted for c in guest.cpus), BOOT_S, "boot")
        self._check_ids()

    # memory

    def address(self, guest_physical: int) -> int:
        """Where the guest's memory is in this process."""
        return self.vm.memory.address + guest_physical

    def write(self, guest_physical: int, data: bytes) -> None:
        """Copy *data* into the guest."""
        memmove(self.address(guest_physical), data, len(data))

    @property
    def box(self) -> mailbox.Mailbox:
        """The mailbox, live."""
        return mailbox.Mailbox.from_address(self.address(layout.MAILBOX_BASE))

    def cpu(self, number: int) -> mailbox.Cpu:
        """``struct cpu``, live."""
        return mailbox.Cpu.from_address(self.address(layout.cpu_area(number)))

    # booting

    def _load(self) -> None:
        guest, start, box = self.guest, self.start, self.box
        for address, data in boot.tables(layout.MEMORY_SIZE):
            self.write(address, data)
        self.write(layout.IMAGE_BASE, start.image)
        ids = b"".join(i.to_bytes(4, "little") for i in guest.apic_ids)
        self.write(layout.APIC_IDS_BASE, ids)
        box.cpus = len(guest.apic_ids)
        box.x2apic = guest.apic_mode == "x2apic"
        box.vmmcall = self._cpuid.vendor in _AMD
        box.hypercall_abi = start.hypercall_abi
        box.idle = mailbox.HALTED
        box.start_vector = self.start_vector
        box.apic_ids = layout.APIC_IDS_BASE

    def _create(self, cpu: int, apic_id: int) -> None:
        area, x2apic = self.cpu(cpu), self.guest.apic_mode == "x2apic"
        area.self = layout.cpu_area(cpu)
        area.number = cpu
        vcpu = self.vm.create_vcpu(apic_id)
        entries = boot.cpuid_entries(self._cpuid.entries, apic_id, x2apic=x2apic)
        vcpu.set_cpuid2(Cpuid(entries))
        vcpu.set_sregs(boot.sregs(vcpu.get_sregs(), cpu, x2apic=x2apic))
        vcpu.set_regs(boot.regs(cpu))
        vcpu.set_mp_state(uapi.KVM_MP_STATE_RUNNABLE)

    def _check_ids(self) -> None:
        for cpu, apic_id in enumerate(self.guest.apic_ids):
            seen = self.cpu(cpu).apic_id
            if seen != apic_id:
                raise GuestError(f"CPU {cpu} reads APIC ID {seen}, not {apic_id}")
        if self.box.abi != mailbox.PVBENCH_GUEST_ABI:
            raise GuestError(f"the guest's ABI is {self.box.abi}")

    # commands

    def order(self, command: int, sources: dict[int, int], busy: Callable[[], int]) -> None:
        """
        Let CPUs carry out a command, and return when they have.

        Args:
            command: from mailbox.COMMAND_*.
            sources: number of the source it is about, by CPU.
            busy: grows as long as they make progress.

        Raises:
            GuestError: one faults, leaves, or nothing moves any more.
        """
        for cpu, number in sources.items():
            self.cpu(cpu).source = number
            self.cpu(cpu).command = command
        for cpu in sources:
            self.vm.signal_msi(self.guest.apic_ids[cpu], self.start_vector)
        waiting, before = set(sources), -1
        while waiting:
            try:
                event = self._events.get(timeout=self.start.patience_s)
            except Empty:
                before = self._look(busy(), before, min(waiting))
                continue
            self._raise(event)
            waiting.discard(event.cpu)

    def _look(self, now: int, before: int, cpu: int) -> int:
        if now > before >= 0 or (now and before < 0):
            return now
        raise GuestError(
            f"CPU {cpu} makes no progress for {self.start.patience_s:g} s", why=self._where(cpu)
        )

    def synchronise(self, cpus: tuple[int, ...]) -> None:
        """Return when *cpus* have handled whatever was sent to them before."""
        for _ in range(2):  # the first may overtake an interrupt of its own priority
            before = {cpu: self._starts(cpu) for cpu in cpus}
            for cpu in cpus:
                self.vm.signal_msi(self.guest.apic_ids[cpu], self.start_vector)
            handled = partial(self._have_started, before)
            self._wait(handled, self.start.patience_s, "handle what was sent")

    def use_vectors(self, vectors: set[int]) -> None:
        """Wake CPUs by one that none of *vectors* is, and that comes after them."""
        self.start_vector = next(v for v in _START_VECTORS if v not in vectors)
        self.box.start_vector = self.start_vector

    def _have_started(self, before: dict[int, int]) -> bool:
        return all(self._starts(cpu) != count for cpu, count in before.items())

    def _starts(self, cpu: int) -> int:
        return int(self.cpu(cpu).runs[self.start_vector])

    def _wait(self, ready: Callable[[], bool], limit_s: float, what: str) -> None:
        end = time.monotonic() + limit_s
        while not ready():
            while not self._events.empty():
                self._raise(self._events.get())
            if time.monotonic() > end:
                raise GuestError(f"the guest did not {what} within {limit_s:g} s")
            time.sleep(_POLL_S)

    def _raise(self, event: Event) -> None:
        if event.trouble == "exception":
            raise GuestError(f"CPU {event.cpu} raised {_fault(self.cpu(event.cpu))}")
        if event.trouble:
            raise GuestError(f"CPU {event.cpu}: {event.trouble}")

    def _where(self, cpu: int) -> str:
        """Where a vCPU hangs; it is stopped for that."""
        self._stop()
        return f"it was at RIP {self.vm.vcpus[cpu].get_regs().rip:#x}"

    # the end

    def _stop(self) -> None:
        """Kick every vCPU out of the guest and wait for its thread."""
        for thread, vcpu in zip(self.threads, self.vm.vcpus, strict=True):
            thread.stopping = True
            vcpu.state.immediate_exit = 1
        left = [thread for thread in self.threads if thread.is_alive()]
        while left:
            for thread in left:
                signal.pthread_kill(thread.ident or 0, KICK)
            for thread in left:
                thread.join(_POLL_S)
            left = [thread for thread in left if thread.is_alive()]


def _cpuid(kvm: Kvm, hypercall_abi: int) -> Cpuid:
    """What the guest sees of its CPUs; for Hyper-V's hypercalls it must see Hyper-V."""
    found = kvm.get_supported_cpuid()
    if hypercall_abi == mailbox.HYPERCALL_HYPERV:
        native = [e for e in found.entries if not _HYPERVISOR <= e.function < _HYPERVISOR_END]
        return Cpuid(native + kvm.get_supported_hv_cpuid().entries)
    return found


def _equal_tscs(vcpus: list[Vcpu]) -> bool:
    """Give every vCPU the TSC of the first; False where that cannot be done or seen."""
    wanted = vcpus[0].tsc_offset()
    if wanted is None:
        return len(vcpus) == 1
    for vcpu in vcpus:
        if vcpu.tsc_offset() != wanted:
            with suppress(IoctlError):
                vcpu.set_tsc_offset(wanted)
    return all(vcpu.tsc_offset() == wanted for vcpu in vcpus)


def _counters(vcpus: list[Vcpu], undo: ExitStack) -> list[Counters]:
    """Of each vCPU; none where this KVM keeps none."""
    known = stats.places(vcpus[0])
    return [undo.enter_context(Counters(vcpu, known)) for vcpu in vcpus if known]


def _fault(cpu: mailbox.Cpu) -> str:
    return (
        f"{exception(cpu.fault_vector)}, error code {cpu.fault_error:#x}, "
        f"at RIP {cpu.fault_rip:#x}, CR2 {cpu.fault_cr2:#x}"
    )


def exception(vector: int) -> str:
    """Its name in the manual, and its number."""
    names = {0: "#DE", 6: "#UD", 8: "#DF", 13: "#GP", 14: "#PF"}
    return f"{names.get(vector, 'an exception')} (vector {vector})"


def _start(threads: list[_Thread]) -> None:
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


@contextmanager
def booted(guest: Guest, start: Start) -> Iterator[BootedGuest]:
    """
    Boot *guest*; leaving the context ends it.

    Raises:
        UnavailableError, GuestError: it cannot be booted, and why.
    """
    before = signal.signal(KICK, lambda *_: None)  # it only has to interrupt KVM_RUN
    try:
        with ExitStack() as undo:
            kvm = undo.enter_context(Kvm.open())
            yield BootedGuest(guest, start, kvm, undo)
    finally:
        signal.signal(KICK, before)
