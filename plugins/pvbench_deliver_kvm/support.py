"""What this delivery can run: read from a task, and from what was tried on this host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pvbench.delivery import Task
from pvbench.guest import Guest
from pvbench.ops import Hypercall, MmioWrite, Program, WrMsr
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_DEST_LOGICAL,
    APIC_DM_NMI,
    APIC_ICR,
    APIC_MODE_MASK,
    APIC_SELF_IPI,
    SHORTHAND_MASK,
    x2apic_msr,
)
from pvbench.x86.hyperv import HV_HYPERCALL_CODE_MASK, HVCALL_SEND_IPI
from pvbench_deliver_kvm.measure.algorithms import HYPERCALL_ABIS, has_algorithm
from pvbench_deliver_kvm.measure.tasks import contended, uses_lists


def mechanisms(program: Program, guest: Guest) -> Iterator[str]:
    """What the host must be able to do for *program*, by the names of the probes."""
    for op in program:
        match op:
            case WrMsr(msr, _) if msr == x2apic_msr(APIC_SELF_IPI):
                yield "x2apic-self"
            case WrMsr(_, value):
                yield f"x2apic-{_form(value)}"
            case MmioWrite(address, value) if address == APIC_DEFAULT_PHYS_BASE + APIC_ICR:
                yield f"xapic-{_form(value)}"
            case Hypercall(nr, _):
                yield _hypercall(guest, nr)
            case _:
                pass


def _form(icr: int) -> str:
    if icr & APIC_MODE_MASK == APIC_DM_NMI:
        return "nmi"
    if icr & SHORTHAND_MASK:
        return "shorthand"
    return "logical" if icr & APIC_DEST_LOGICAL else "physical"


def _hypercall(guest: Guest, nr: int) -> str:
    if guest.hypercall_abi != "hyperv":
        return "kvm-hypercall"
    short = nr & HV_HYPERCALL_CODE_MASK == HVCALL_SEND_IPI
    return "hyperv-hypercall" if short else "hyperv-hypercall-ex"


def why_unsupported(guest: Guest, task: Task, settings: dict[str, Any]) -> str | None:
    """Why *task* cannot run in *guest* here; None if it can."""
    return next(filter(None, _reasons(guest, task, settings)), None)


def _reasons(guest: Guest, task: Task, settings: dict[str, Any]) -> Iterator[str | None]:
    yield _no_guest(guest, settings)
    if task.mechanism == "kernel":
        yield "its guest is no Linux kernel"
    if guest.hypercall_abi not in HYPERCALL_ABIS:
        yield f"no KVM serves hypercall ABI {guest.hypercall_abi}"
    wanted = {name for program in task.programs for name in mechanisms(program, guest)}
    if task.mechanism == "hypercall":  # also where this burst happens to need none
        wanted.add("hyperv-hypercall" if guest.hypercall_abi == "hyperv" else "kvm-hypercall")
    for name in sorted(wanted) if settings["probes"] is not None else ():
        if reason := settings["probes"].get(name, "it was not tried"):
            yield f"{name} does not work on this host: {reason}"
    yield _no_turns(guest, task, settings)
    if (
        contended(task)
        and uses_lists(task)
        and (settings["execution"] == "ops" or not has_algorithm(task))
    ):
        yield "its sources meet, so what is sent is known in the guest only: no replay"


def _no_guest(guest: Guest, settings: dict[str, Any]) -> str | None:
    most, ids = settings["max_vcpus"], settings["max_vcpu_id"]
    if guest.bits != 64:
        return "its guest has 64 bits"
    if guest.host_cpus:
        return "its host CPUs are chosen with --cpu-list, not --host-cpus"
    if len(guest.apic_ids) > most:
        return f"this KVM has {most} vCPUs at most"
    if max(guest.apic_ids) >= ids:
        return f"this KVM's APIC IDs end below {ids}"
    return None


def _no_turns(guest: Guest, task: Task, settings: dict[str, Any]) -> str | None:
    """Spinning vCPUs leave a host CPU free, for they can hang a small machine."""
    running = task.target_state == "running"
    if running and settings["software"]:
        return "on a KVM without hardware virtualization targets halt: add --targets halted"
    sources = len(task.bursts)
    spinning = len(guest.apic_ids) if running else sources
    most = max(1, settings["usable_cpus"] - 1)
    if spinning > most:
        cpus = settings["usable_cpus"]
        return f"{spinning} vCPUs would spin, and {most} of this machine's {cpus} CPUs may"
    protocols = {burst.protocol for burst in task.bursts}
    return "its sources follow different protocols" if len(protocols) > 1 else None
