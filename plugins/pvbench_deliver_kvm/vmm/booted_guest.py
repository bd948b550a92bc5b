"""Boot a guest until all its CPUs are idle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from queue import SimpleQueue
from typing import Final

import attrs

from pvbench.guest import Guest
from pvbench_deliver_kvm.vmm import (
    binary_stats,
    initial_state,
    layout,
    limits,
    mailbox,
    uapi,
    vcpu_threads,
    vm_setup,
)
from pvbench_deliver_kvm.vmm.binary_stats import Counters
from pvbench_deliver_kvm.vmm.commands import START_VECTORS, Commands, GuestError
from pvbench_deliver_kvm.vmm.cpuid import Cpuid
from pvbench_deliver_kvm.vmm.fd import IoctlError
from pvbench_deliver_kvm.vmm.guest_memory import GuestMemory
from pvbench_deliver_kvm.vmm.kvm import Kvm
from pvbench_deliver_kvm.vmm.vcpu import Vcpu
from pvbench_deliver_kvm.vmm.vcpu_threads import Event, VcpuThread
from pvbench_deliver_kvm.vmm.vm import Vm

BOOT_S: Final = 30.0
_AMD: Final = (b"AuthenticAMD", b"HygonGenuine")


@attrs.frozen(kw_only=True)
class Start:
    """
    The settings with which a guest boots.

    Args:
        image: the guest's code.
        hypercall_abi: one of mailbox.HYPERCALL_*.
        cpus: host CPUs, assigned to the vCPUs in turn.  Empty for any.
        patience_s: the longest time without progress before a guest is given up.
        boot_s: the longest time that the boot may take.
        niceness: the nice value of the vCPU threads.
        halt_poll_ns: the longest time KVM polls before a halted vCPU blocks; None
            leaves it to the host.
    """

    image: bytes
    hypercall_abi: int
    cpus: tuple[int, ...]
    patience_s: float
    boot_s: float = BOOT_S
    niceness: int = 0
    halt_poll_ns: int | None = None


@attrs.frozen(kw_only=True)
class GuestVm:
    """
    A booted guest.

    Args:
        counters: KVM's counters of each vCPU; empty if KVM keeps none.
        tscs_agree: all vCPUs are known to have the same TSC.
    """

    guest: Guest
    start: Start
    memory: GuestMemory
    vcpus: list[Vcpu]
    threads: list[VcpuThread]
    commands: Commands
    counters: list[Counters]
    tsc_khz: int
    tscs_agree: bool


@contextmanager
def booted_vm(
    guest: Guest, start: Start, *, open_kvm: Callable[[], Kvm] = Kvm.open
) -> Iterator[GuestVm]:
    """
    Boot *guest*; leaving the context ends it.

    Raises:
        UnavailableError, GuestError: the guest cannot be booted.
    """
    limits.check(len(guest.apic_ids))
    with ExitStack() as undo:
        kvm = undo.enter_context(open_kvm())
        memory = undo.enter_context(closing(GuestMemory()))
        vm = undo.enter_context(kvm.create_vm())
        vm_setup.set_up(
            vm, memory, highest_id=max(guest.apic_ids), halt_poll_ns=start.halt_poll_ns
        )
        cpuid = initial_state.supported_cpuid(kvm, start.hypercall_abi)
        load(memory, guest, start, vmmcall=cpuid.vendor in _AMD)
        for cpu in guest.cpus:
            _create_vcpu(vm, memory, guest, cpu, cpuid)
        booted = _running(vm, memory, guest, start, undo)
        up = [memory.cpu(cpu) for cpu in guest.cpus]
        booted.commands.wait(lambda: all(cpu.booted for cpu in up), start.boot_s, "boot")
        check_identity(memory, guest)
        yield booted


def load(memory: GuestMemory, guest: Guest, start: Start, *, vmmcall: bool) -> None:
    """Write the guest's tables, its code and its mailbox."""
    for address, table in initial_state.tables(layout.MEMORY_SIZE):
        memory.write(address, table)
    memory.write(layout.IMAGE_BASE, start.image)
    memory.write(
        layout.APIC_IDS_BASE, b"".join(i.to_bytes(4, "little") for i in guest.apic_ids)
    )
    box = memory.mailbox
    box.cpus = len(guest.apic_ids)
    box.x2apic = guest.apic_mode == "x2apic"
    box.vmmcall = vmmcall
    box.hypercall_abi, box.bits = start.hypercall_abi, guest.bits
    box.idle = mailbox.HALTED
    box.start_vector = START_VECTORS[0]
    box.apic_ids = layout.APIC_IDS_BASE


def _create_vcpu(vm: Vm, memory: GuestMemory, guest: Guest, cpu: int, cpuid: Cpuid) -> None:
    x2apic, apic_id, area = guest.apic_mode == "x2apic", guest.apic_ids[cpu], memory.cpu(cpu)
    area.self, area.number = layout.cpu_area(cpu), cpu
    entries = initial_state.cpuid_entries(cpuid.entries, apic_id, x2apic=x2apic)
    vcpu = vm.create_vcpu(apic_id)
    vcpu.set_signal_mask(vcpu_threads.KICK)
    vcpu.set_cpuid2(Cpuid(entries))
    vcpu.set_sregs(initial_state.sregs(vcpu.get_sregs(), cpu, x2apic=x2apic))
    vcpu.set_regs(initial_state.regs(cpu))
    vcpu.set_mp_state(uapi.KVM_MP_STATE_RUNNABLE)


def _running(
    vm: Vm, memory: GuestMemory, guest: Guest, start: Start, undo: ExitStack
) -> GuestVm:
    """Start the vCPUs, after everything else was read: a running vCPU blocks other ioctls."""
    vcpus, threads = vm.vcpus, _threads(vm.vcpus, start)
    booted = GuestVm(
        guest=guest,
        start=start,
        memory=memory,
        vcpus=vcpus,
        threads=threads,
        commands=Commands(vm, memory, guest.apic_ids, threads, patience_s=start.patience_s),
        counters=_counters(vcpus, undo),
        tsc_khz=vcpus[0].get_tsc_khz(),
        tscs_agree=equalise_tscs(vcpus),
    )
    undo.callback(vcpu_threads.stop, threads)
    vcpu_threads.start(threads)
    return booted


def _threads(vcpus: list[Vcpu], start: Start) -> list[VcpuThread]:
    events: SimpleQueue[Event] = SimpleQueue()
    return [
        VcpuThread(
            cpu,
            vcpu,
            events,
            host_cpu=start.cpus[cpu % len(start.cpus)] if start.cpus else None,
            niceness=start.niceness,
        )
        for cpu, vcpu in enumerate(vcpus)
    ]


def _counters(vcpus: list[Vcpu], undo: ExitStack) -> list[Counters]:
    offsets = binary_stats.counter_offsets(vcpus[0])
    return [undo.enter_context(Counters(vcpu, offsets)) for vcpu in vcpus if offsets]


def equalise_tscs(vcpus: list[Vcpu]) -> bool:
    """Give every vCPU the TSC offset of the first; False if they are not known to agree."""
    offset = vcpus[0].get_tsc_offset()
    if offset is None:
        return len(vcpus) == 1
    for vcpu in vcpus:
        if vcpu.get_tsc_offset() != offset:
            with suppress(IoctlError):
                vcpu.set_tsc_offset(offset)
    return all(vcpu.get_tsc_offset() == offset for vcpu in vcpus)


def check_identity(memory: GuestMemory, guest: Guest) -> None:
    """
    Check what the guest reports of itself after its boot.

    Raises:
        GuestError: a CPU reads another APIC ID than it was given, or the ABI differs.
    """
    for cpu, apic_id in enumerate(guest.apic_ids):
        reported = memory.cpu(cpu).apic_id
        if reported != apic_id:
            raise GuestError(f"CPU {cpu} reads APIC ID {reported}, not {apic_id}")
    if memory.mailbox.abi != mailbox.PVBENCH_GUEST_ABI:
        raise GuestError(
            f"the guest has ABI {memory.mailbox.abi}, not {mailbox.PVBENCH_GUEST_ABI}"
        )
