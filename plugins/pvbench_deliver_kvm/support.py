"""Decide whether this delivery can run a task on a host, given the host's probes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pvbench.delivery import Description, Task
from pvbench.guest import Guest
from pvbench.ops import Hypercall, MmioWrite, Program, WrMsr
from pvbench.text import counted
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
from pvbench_deliver_kvm.measure.algorithms import has_algorithm
from pvbench_deliver_kvm.measure.hypercall_abis import (
    NOT_SERVED,
    PROBE_OF,
    executed,
    probe_of,
    served_abis,
)
from pvbench_deliver_kvm.measure.tasks import contended, uses_call_queues
from pvbench_deliver_kvm.settings import Limits, settings_of


def mechanisms(program: Program, guest: Guest, served: Collection[str] = ()) -> Iterator[str]:
    """The mechanisms that *program* needs where KVM has *served* ABIs, by their probes."""
    for op in program:
        match op:
            case WrMsr(msr, _) if msr == x2apic_msr(APIC_SELF_IPI):
                yield "x2apic-self"
            case WrMsr(msr, value) if msr == x2apic_msr(APIC_ICR):
                yield f"x2apic-{_form(value)}"
            case MmioWrite(address, value) if address == APIC_DEFAULT_PHYS_BASE + APIC_ICR:
                yield f"xapic-{_form(value)}"
            case Hypercall(nr, _):
                yield _hypercall(guest, nr, served)
            case _:
                pass


def _form(icr: int) -> str:
    if icr & APIC_MODE_MASK == APIC_DM_NMI:
        return "nmi"
    if icr & SHORTHAND_MASK:
        return "shorthand"
    return "logical" if icr & APIC_DEST_LOGICAL else "physical"


def _hypercall(guest: Guest, nr: int, served: Collection[str]) -> str:
    if guest.hypercall_abi != "hyperv":
        return probe_of(guest.hypercall_abi, served)
    is_short_form = nr & HV_HYPERCALL_CODE_MASK == HVCALL_SEND_IPI
    return "hyperv-hypercall" if is_short_form else "hyperv-hypercall-ex"


def why_unsupported(guest: Guest, task: Task, description: Description) -> str | None:
    """Why *task* cannot run in *guest* on the host described; None if it can."""
    return next(filter(None, _reasons(guest, task, description)), None)


def _reasons(guest: Guest, task: Task, description: Description) -> Iterator[str | None]:
    limits, settings = Limits(**description.limits), settings_of(description.worker_data)
    yield _why_no_guest(guest, limits)
    yield from _why_other_cpus(guest)
    if guest.bits != 64 and task.algorithm is not None:
        yield "in a 32-bit guest only the raw programs of `pvbench verify` can run"
    if task.mechanism == "kernel":
        yield "sender `kernel` needs a running Linux kernel: use --delivery live"
    if guest.hypercall_abi not in (*PROBE_OF, "hyperv"):
        yield f"KVM does not implement hypercall ABI {guest.hypercall_abi}"
    served = served_abis(description.probes or {})
    required = {
        name for program in task.programs for name in mechanisms(program, guest, served)
    }
    if task.mechanism == "hypercall":  # even if this burst needs none
        required.add(_hypercall(guest, HVCALL_SEND_IPI, served))
    yield _why_another_abi(guest, task, required, served)
    if description.probes is not None:
        yield from _failed_probes(sorted(required), description.probes)
    yield _why_too_many_spin(guest, task, limits.usable_cpus, software=settings.software)
    if (
        contended(task)
        and uses_call_queues(task)
        and (settings.execution == "ops" or not has_algorithm(task))
    ):
        yield (
            "sources share targets, so the ops depend on call queues at run time and "
            "cannot be computed beforehand"
        )


def _why_another_abi(
    guest: Guest, task: Task, required: set[str], served: Collection[str]
) -> str | None:
    """
    Why a guest needs another KVM than one that serves some ABI of KVM_HC_SEND_IPI.

    A stand-in translates the hypercalls of a sender, but not any registers.
    """
    abi, is_of_sender = guest.hypercall_abi, task.mechanism == "hypercall"
    if not served or abi not in PROBE_OF:
        return None
    if (executed(abi, served) if is_of_sender else abi) in served:
        return None
    is_needed = probe_of(abi, served) in required
    return (
        f"this KVM serves hypercall ABI {', '.join(served)}, not {abi}" if is_needed else None
    )


def _failed_probes(required: list[str], probes: dict[str, str]) -> Iterator[str]:
    """The mechanisms that do not work, each with the reason."""
    for name in required:
        is_proposed = name in PROBE_OF.values() and name != PROBE_OF["kvm"]
        if reason := probes.get(name, NOT_SERVED if is_proposed else "it was not probed"):
            yield f"{name} does not work on this host: {reason}"


def _why_no_guest(guest: Guest, limits: Limits) -> str | None:
    if guest.host_cpus:
        return "choose host CPUs with --cpu-list, not with --host-cpus"
    if len(guest.apic_ids) > limits.max_vcpus:
        return f"this KVM supports at most {limits.max_vcpus} vCPUs"
    if max(guest.apic_ids) >= limits.max_vcpu_id:
        return f"APIC IDs must be below {limits.max_vcpu_id} on this KVM"
    return None


def _why_other_cpus(guest: Guest) -> Iterator[str]:
    """The properties of CPUs that neither KVM nor the guest's code can have."""
    if guest.offline:
        yield "all CPUs of a guest that boots on KVM go online"
    if guest.logical_ids and guest.apic_mode == "x2apic":
        yield "KVM derives logical x2APIC IDs from the APIC IDs"
    if guest.vp_indexes and guest.hypercall_abi == "hyperv":
        yield "the guest's code takes CPU numbers for VP indexes"


def _why_too_many_spin(guest: Guest, task: Task, usable: int, *, software: bool) -> str | None:
    """Why *task* would make too many host CPUs spin, which can hang a small machine."""
    if task.target_state == "polling":
        return "the idle CPUs of its guest halt or spin, but poll no call queue"
    running = task.target_state == "running"
    if running and software:
        return (
            "targets cannot spin on a KVM without hardware virtualization: add --targets halted"
        )
    sources = len(task.bursts)
    spinning = len(guest.apic_ids) if running else sources
    limit = max(1, usable - 1)
    if spinning > limit:
        return (
            f"{spinning} vCPUs would spin at the same time, but at most {limit} may "
            f"on a host with {counted(usable, 'usable CPU')}"
        )
    protocols = {burst.protocol for burst in task.bursts}
    return "all sources must follow the same protocol" if len(protocols) > 1 else None
