"""A booted guest: its VM, its memory, and commands to its CPUs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from ctypes import memmove
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

import attrs

from pvbench.errors import PvbenchError, Status
from pvbench.guest import Guest
from pvbench.x86.apic import FIRST_EXTERNAL_VECTOR
from pvbench_deliver_kvm.vmm import (
    binary_stats,
    initial_state,
    layout,
    limits,
    mailbox,
    uapi,
    vcpu_threads,
)
from pvbench_deliver_kvm.vmm.binary_stats import Counters
from pvbench_deliver_kvm.vmm.fd import IoctlError
from pvbench_deliver_kvm.vmm.kvm import Cpuid, Kvm
from pvbench_deliver_kvm.vmm.vcpu import Vcpu
from pvbench_deliver_kvm.vmm.vcpu_threads import Event, GuestException, VcpuFailed, VcpuThread
from pvbench_deliver_kvm.vmm.vm import Vm

BOOT_S: Final = 30.0
_POLL_S: Final = 0.0005
_AMD: Final = (b"AuthenticAMD", b"HygonGenuine")
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


class GuestVm:
    """A guest at rest: every vCPU is booted and idle."""

    def __init__(self, guest: Guest, start: Start, kvm: Kvm, undo: ExitStack) -> None:
        self.guest, self.start = guest, start
        self.vm = undo.enter_context(Vm(kvm, layout.MEMORY_SIZE))
        self.vm.limit_ids(max(guest.apic_ids))
        if start.halt_poll_ns is not None:
            self.vm.poll_before_halt(start.halt_poll_ns)
        self._cpuid = initial_state.supported_cpuid(kvm, start.hypercall_abi)
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
            VcpuThread(
                cpu,
                vcpu,
                self._events,
                host_cpu=start.cpus[cpu % len(start.cpus)] if start.cpus else None,
                niceness=start.niceness,
            )
            for cpu, vcpu in enumerate(self.vm.vcpus)
        ]
        undo.callback(vcpu_threads.stop, self.threads)
        vcpu_threads.start(self.threads)
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
        for address, data in initial_state.tables(layout.MEMORY_SIZE):
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
        entries = initial_state.cpuid_entries(self._cpuid.entries, apic_id, x2apic=x2apic)
        vcpu.set_signal_mask(vcpu_threads.KICK)
        vcpu.set_cpuid2(Cpuid(entries))
        vcpu.set_sregs(initial_state.sregs(vcpu.get_sregs(), cpu, x2apic=x2apic))
        vcpu.set_regs(initial_state.regs(cpu))
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
        match event:
            case GuestException(cpu):
                raise GuestError(f"CPU {cpu} raised {_fault(self.cpu(cpu))}")
            case VcpuFailed(cpu, reason):
                raise GuestError(f"CPU {cpu}: {reason}")

    def _where(self, cpu: int) -> str:
        """Where a vCPU hangs; it is stopped for that."""
        vcpu_threads.stop(self.threads)
        return f"it was at RIP {self.vm.vcpus[cpu].get_regs().rip:#x}"


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
    known = binary_stats.places(vcpus[0])
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


@contextmanager
def booted_vm(guest: Guest, start: Start) -> Iterator[GuestVm]:
    """
    Boot *guest*; leaving the context ends it.

    Raises:
        UnavailableError, GuestError: it cannot be booted, and why.
    """
    limits.check(len(guest.apic_ids))
    with ExitStack() as undo:
        kvm = undo.enter_context(Kvm.open())
        yield GuestVm(guest, start, kvm, undo)
