"""Ops whose effect is not decoded, each with the sentence that says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pvbench.decode.messages import changes_state
from pvbench.guest import Guest
from pvbench.ops import Hypercall, KernelSend, MmioWrite, Op, Program, WrMsr
from pvbench.sequences import INPUT_PAGE_BASE, PAGE_SIZE
from pvbench.verify.trials import Scene, Trial
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_DM_FIXED,
    APIC_DM_LOWEST,
    APIC_ICR,
    APIC_ICR2,
    APIC_MODE_MASK,
    APIC_SELF_IPI,
    APIC_VECTOR_MASK,
    FIRST_EXTERNAL_VECTOR,
    FIRST_LEGAL_VECTOR,
    x2apic_msr,
)
from pvbench.x86.hyperv import HV_HYPERCALL_CODE_MASK, HV_HYPERCALL_FAST_BIT, HVCALL_OTHERS
from pvbench.x86.kvm_para import KVM_HC_OTHERS, KVM_HC_SEND_IPI

STATE_CHANGE: Final = "An SMI or INIT changes the state of a CPU; it is no interrupt."
EXCEPTION: Final = (
    "The vectors 0x10 to 0x1f are legal for an IPI, but the guest takes them for exceptions."
)
OTHER_CALL: Final = "The hypercall is one that KVM serves and that sends no IPI."
OTHER_REGISTER: Final = "A register other than those that send an IPI is written."
OTHER_MEMORY: Final = "A hypercall reads memory outside of the guest's input pages."
OTHER_OP: Final = "The op has no meaning outside of a running Linux kernel."
OTHER_ABI: Final = "KVM does not have the hypercall ABI of this guest."

_MSRS: Final = {x2apic_msr(APIC_ICR), x2apic_msr(APIC_SELF_IPI)}
_ADDRESSES: Final = {APIC_DEFAULT_PHYS_BASE + APIC_ICR, APIC_DEFAULT_PHYS_BASE + APIC_ICR2}


def exclusion(trial: Trial, scene: Scene) -> str:
    """The sentence that says why *trial* cannot be judged; empty if it can."""
    reasons = (
        reason for _, program in trial.programs for reason in _reasons(program, scene.guest)
    )
    return next(reasons, "")


def _reasons(program: Program, guest: Guest) -> Iterator[str]:
    return filter(None, (_reason(op, guest) for op in program))


def _reason(op: Op, guest: Guest) -> str:
    match op:
        case KernelSend():
            return OTHER_OP
        case Hypercall():
            return _of_hypercall(op, guest)
        case WrMsr(msr, value):
            return _of_icr(value) if msr in _MSRS else OTHER_REGISTER
        case MmioWrite(address, value):
            if address not in _ADDRESSES or guest.apic_mode != "xapic":
                return OTHER_REGISTER
            is_icr = address == APIC_DEFAULT_PHYS_BASE + APIC_ICR
            return _of_icr(value) if is_icr else ""
        case _:
            return ""


def _of_icr(icr: int) -> str:
    if changes_state(icr):
        return STATE_CHANGE
    vector, mode = icr & APIC_VECTOR_MASK, icr & APIC_MODE_MASK
    is_exception = FIRST_LEGAL_VECTOR <= vector < FIRST_EXTERNAL_VECTOR
    return EXCEPTION if is_exception and mode in (APIC_DM_FIXED, APIC_DM_LOWEST) else ""


def _of_hypercall(op: Hypercall, guest: Guest) -> str:
    if guest.hypercall_abi == "kvm":
        if op.nr in KVM_HC_OTHERS:
            return OTHER_CALL
        return _of_icr(op.args[3]) if op.nr == KVM_HC_SEND_IPI and len(op.args) == 4 else ""
    if guest.hypercall_abi != "hyperv":
        return OTHER_ABI
    if op.nr & HV_HYPERCALL_CODE_MASK in HVCALL_OTHERS:
        return OTHER_CALL
    pages = range(INPUT_PAGE_BASE, INPUT_PAGE_BASE + len(guest.cpus) * PAGE_SIZE)
    reads_memory = not op.nr & HV_HYPERCALL_FAST_BIT and op.args
    return OTHER_MEMORY if reads_memory and op.args[0] not in pages else ""
