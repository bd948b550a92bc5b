"""Ops whose effect is not decoded, each with the sentence that says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeGuard

from pvbench.decode.messages import changes_state
from pvbench.guest import Guest
from pvbench.ops import Hypercall, MmioWrite, Op, Program, WrMsr
from pvbench.sequences import INPUT_PAGE_BASE, PAGE_SIZE
from pvbench.verify.proposals import BITMAP_WORDS
from pvbench.verify.trials import Scene, Trial
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_DM_FIXED,
    APIC_DM_LOWEST,
    APIC_DM_NMI,
    APIC_ICR,
    APIC_ICR2,
    APIC_MODE_MASK,
    APIC_SELF_IPI,
    APIC_SPIV,
    APIC_SPIV_APIC_ENABLED,
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
DISABLED: Final = (
    "A program leaves its APIC disabled, or sends other messages than fixed ones and NMIs "
    "while it is, or other CPUs send meanwhile."
)
OTHER_MEMORY: Final = "A hypercall reads memory outside of the guest's input pages."
OTHER_ABI: Final = "KVM does not have the hypercall ABI of this guest."

_SPIV_VALUES: Final = (0xFF, 0xFF | APIC_SPIV_APIC_ENABLED)
_MSRS: Final = {x2apic_msr(APIC_ICR), x2apic_msr(APIC_SELF_IPI)}
_ADDRESSES: Final = {APIC_DEFAULT_PHYS_BASE + APIC_ICR, APIC_DEFAULT_PHYS_BASE + APIC_ICR2}


def exclusion(trial: Trial, scene: Scene) -> str:
    """The sentence that says why *trial* cannot be judged; empty if it can."""
    programs = [program for _, program in trial.programs]
    reasons = (reason for program in programs for reason in _reasons(program, scene.guest))
    return next(reasons, "") or _of_disabled(programs, scene.guest)


def _of_disabled(programs: list[Program], guest: Guest) -> str:
    """Why programs that write SPIV cannot be judged; empty if they can."""
    values = [op.value for program in programs for op in program if _writes_spiv(op)]
    if not values:
        return ""
    is_plain = all(_is_plain(op, guest) for program in programs for op in program)
    is_enabled = bool(values[-1] & APIC_SPIV_APIC_ENABLED)
    return "" if is_plain and is_enabled and len(programs) == 1 else DISABLED


def _writes_spiv(op: Op) -> TypeGuard[WrMsr | MmioWrite]:
    match op:
        case WrMsr(msr, value):
            return msr == x2apic_msr(APIC_SPIV) and value in _SPIV_VALUES
        case MmioWrite(address, value):
            return address == APIC_DEFAULT_PHYS_BASE + APIC_SPIV and value in _SPIV_VALUES
        case _:
            return False


def _is_plain(op: Op, guest: Guest) -> bool:
    """Whether a message of *op* is a fixed one or an NMI."""
    match op:
        case WrMsr(msr, value) if msr == x2apic_msr(APIC_ICR):
            icr = value
        case MmioWrite(address, value) if address == APIC_DEFAULT_PHYS_BASE + APIC_ICR:
            icr = value
        case Hypercall(_, (_, _, _, value)) if guest.hypercall_abi == "kvm":
            icr = value
        case _:
            return True
    return icr & APIC_MODE_MASK in (APIC_DM_FIXED, APIC_DM_NMI)


def _reasons(program: Program, guest: Guest) -> Iterator[str]:
    return filter(None, (_reason(op, guest) for op in program))


def _reason(op: Op, guest: Guest) -> str:
    match op:
        case _ if _writes_spiv(op):
            return ""
        case Hypercall():
            return _of_hypercall(op, guest)
        case WrMsr(msr, value):
            return _of_icr(value) if msr in _MSRS else OTHER_REGISTER
        case MmioWrite(address, value):
            return _of_mmio(address, value, guest)
        case _:
            return ""


def _of_mmio(address: int, value: int, guest: Guest) -> str:
    if address not in _ADDRESSES or guest.apic_mode != "xapic":
        return OTHER_REGISTER
    return _of_icr(value) if address == APIC_DEFAULT_PHYS_BASE + APIC_ICR else ""


def _of_icr(icr: int) -> str:
    if changes_state(icr):
        return STATE_CHANGE
    vector, mode = icr & APIC_VECTOR_MASK, icr & APIC_MODE_MASK
    is_exception = FIRST_LEGAL_VECTOR <= vector < FIRST_EXTERNAL_VECTOR
    return EXCEPTION if is_exception and mode in (APIC_DM_FIXED, APIC_DM_LOWEST) else ""


def _of_proposal(op: Hypercall) -> str:
    if op.nr in KVM_HC_OTHERS:
        return OTHER_CALL
    sends = op.nr == KVM_HC_SEND_IPI and op.args
    return _of_icr(op.args[-1] & APIC_VECTOR_MASK) if sends else ""


def _of_hypercall(op: Hypercall, guest: Guest) -> str:
    if guest.hypercall_abi == "kvm":
        if op.nr in KVM_HC_OTHERS:
            return OTHER_CALL
        return _of_icr(op.args[3]) if op.nr == KVM_HC_SEND_IPI and len(op.args) == 4 else ""
    if guest.hypercall_abi in BITMAP_WORDS:
        return _of_proposal(op)
    if guest.hypercall_abi != "hyperv":
        return OTHER_ABI
    if op.nr & HV_HYPERCALL_CODE_MASK in HVCALL_OTHERS:
        return OTHER_CALL
    pages = range(INPUT_PAGE_BASE, INPUT_PAGE_BASE + len(guest.cpus) * PAGE_SIZE)
    reads_memory = not op.nr & HV_HYPERCALL_FAST_BIT and op.args
    return OTHER_MEMORY if reads_memory and op.args[0] not in pages else ""
