"""Ops whose effect is not decoded, each with the sentence that says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeGuard

from pvbench.decode.calls import U32
from pvbench.decode.messages import changes_state
from pvbench.guest import Guest
from pvbench.ops import Hypercall, MmioWrite, Op, Program, WrMsr
from pvbench.sequences import INPUT_PAGE_BASE, PAGE_SIZE
from pvbench.trials import only_disables, spiv_write
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
    APIC_SPIV_APIC_ENABLED,
    APIC_VECTOR_MASK,
    ERROR_CODE_VECTORS,
    x2apic_msr,
)
from pvbench.x86.hyperv import HV_HYPERCALL_CODE_MASK, HV_HYPERCALL_FAST_BIT, HVCALL_OTHERS
from pvbench.x86.kvm_para import KVM_HC_OTHERS, KVM_HC_SEND_IPI

STATE_CHANGE: Final = "An SMI or INIT changes the state of a CPU; it is no interrupt."
EXCEPTION: Final = (
    "The vectors 0x11, 0x15, 0x1d and 0x1e are legal for an IPI, but the guest expects an "
    "error code with them, as with the exceptions that have these numbers."
)
OTHER_CALL: Final = "The hypercall is one that KVM serves and that sends no IPI."
OTHER_REGISTER: Final = "A register other than those that send an IPI is written."
DISABLED: Final = (
    "An APIC is disabled while a message is sent that is neither a fixed one nor an NMI, or "
    "while other CPUs send too, or it stays disabled after its CPU has sent."
)
OTHER_MEMORY: Final = "A hypercall reads memory outside of the guest's input pages."
OTHER_ABI: Final = "KVM does not have the hypercall ABI of this guest."

_MSRS: Final = {x2apic_msr(APIC_ICR), x2apic_msr(APIC_SELF_IPI)}
_ADDRESSES: Final = {APIC_DEFAULT_PHYS_BASE + APIC_ICR, APIC_DEFAULT_PHYS_BASE + APIC_ICR2}


def exclusion(trial: Trial, scene: Scene) -> str:
    """The sentence that says why *trial* cannot be judged; empty if it can."""
    programs = [program for _, program in trial.programs]
    reasons = (reason for program in programs for reason in _reasons(program, scene.guest))
    return next(reasons, "") or _of_disabled(programs, scene.guest)


def _of_disabled(programs: list[Program], guest: Guest) -> str:
    """Why programs that write SPIV cannot be judged; empty if they can."""
    ops = [op for program in programs for op in program]
    if not any(_writes_spiv(op, guest) for op in ops):
        return ""
    if not all(_is_plain(op, guest) for op in ops):
        return DISABLED
    senders = [one for one in programs if not only_disables(one, guest.apic_mode)]
    values = [op.value for one in senders for op in one if _writes_spiv(op, guest)]
    is_enabled = not values or (values[-1] & APIC_SPIV_APIC_ENABLED and len(senders) == 1)
    return "" if is_enabled else DISABLED


def _writes_spiv(op: Op, guest: Guest) -> TypeGuard[WrMsr | MmioWrite]:
    writes: list[Op] = [spiv_write(guest.apic_mode, enabled=value) for value in (False, True)]
    return op in writes


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
        case _ if _writes_spiv(op, guest):
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
    has_code = vector in ERROR_CODE_VECTORS
    return EXCEPTION if has_code and mode in (APIC_DM_FIXED, APIC_DM_LOWEST) else ""


def _of_proposal(op: Hypercall) -> str:
    if op.nr in KVM_HC_OTHERS:
        return OTHER_CALL
    sends = op.nr == KVM_HC_SEND_IPI and op.args
    return _of_icr(op.args[-1] & APIC_VECTOR_MASK) if sends else ""


def _of_hypercall(op: Hypercall, guest: Guest) -> str:
    if guest.hypercall_abi == "kvm":
        number = op.nr & U32 if guest.bits == 32 else op.nr
        if number in KVM_HC_OTHERS:
            return OTHER_CALL
        return _of_icr(op.args[3]) if number == KVM_HC_SEND_IPI and len(op.args) == 4 else ""
    if guest.hypercall_abi in BITMAP_WORDS:
        return _of_proposal(op)
    if guest.hypercall_abi != "hyperv":
        return OTHER_ABI
    if op.nr & HV_HYPERCALL_CODE_MASK in HVCALL_OTHERS:
        return OTHER_CALL
    pages = range(INPUT_PAGE_BASE, INPUT_PAGE_BASE + len(guest.cpus) * PAGE_SIZE)
    reads_memory = not op.nr & HV_HYPERCALL_FAST_BIT and op.args
    return OTHER_MEMORY if reads_memory and op.args[0] not in pages else ""
