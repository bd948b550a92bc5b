"""Decide whether this delivery can run a task on a host, given the host's probes."""

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
    """The mechanisms that *program* needs, by the names of their probes."""
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
    yield _why_no_guest(guest, settings)
    if task.mechanism == "kernel":
        yield "sender `kernel` needs a running Linux kernel: use --delivery live"
    if guest.hypercall_abi not in HYPERCALL_ABIS:
        yield f"KVM does not implement hypercall ABI {guest.hypercall_abi}"
    required = {name for program in task.programs for name in mechanisms(program, guest)}
    if task.mechanism == "hypercall":  # even if this burst needs none
        required.add("hyperv-hypercall" if guest.hypercall_abi == "hyperv" else "kvm-hypercall")
    for name in sorted(required) if settings["probes"] is not None else ():
        if reason := settings["probes"].get(name, "it was not probed"):
            yield f"{name} does not work on this host: {reason}"
    yield _why_too_many_spin(guest, task, settings)
    if (
        contended(task)
        and uses_lists(task)
        and (settings["execution"] == "ops" or not has_algorithm(task))
    ):
        yield (
            "sources share targets, so the ops depend on call queues at run time and "
            "cannot be computed beforehand"
        )


def _why_no_guest(guest: Guest, settings: dict[str, Any]) -> str | None:
    max_vcpus, ids = settings["max_vcpus"], settings["max_vcpu_id"]
    if guest.bits != 64:
        return "the guest of this delivery runs 64-bit code only"
    if guest.host_cpus:
        return "choose host CPUs with --cpu-list, not with --host-cpus"
    if len(guest.apic_ids) > max_vcpus:
        return f"this KVM supports at most {max_vcpus} vCPUs"
    if max(guest.apic_ids) >= ids:
        return f"APIC IDs must be below {ids} on this KVM"
    return None


def _why_too_many_spin(guest: Guest, task: Task, settings: dict[str, Any]) -> str | None:
    """One host CPU must not spin, because a small machine can hang."""
    running = task.target_state == "running"
    if running and settings["software"]:
        return (
            "targets cannot spin on a KVM without hardware virtualization: add --targets halted"
        )
    sources = len(task.bursts)
    spinning = len(guest.apic_ids) if running else sources
    limit = max(1, settings["usable_cpus"] - 1)
    if spinning > limit:
        cpus = settings["usable_cpus"]
        return (
            f"{spinning} vCPUs would spin at the same time, but at most {limit} may "
            f"on a host with {cpus} usable CPUs"
        )
    protocols = {burst.protocol for burst in task.bursts}
    return "all sources must follow the same protocol" if len(protocols) > 1 else None
