"""The mechanisms that are probed: the guest of each group, and the ops that try them."""

from __future__ import annotations

from typing import Final

import attrs

from pvbench.delivery import Task
from pvbench.guest import Guest
from pvbench.ops import Burst, Fence, Hypercall, MmioWrite, Program, WriteMem, WrMsr
from pvbench.sequences import input_page
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_DEST_ALLBUT,
    APIC_DEST_LOGICAL,
    APIC_ICR,
    APIC_ICR2,
    APIC_SELF_IPI,
    CALL_FUNCTION_VECTOR,
    NMI_VECTOR,
    icr_low,
    x2apic_msr,
)
from pvbench.x86.hyperv import (
    HV_HYPERCALL_FAST_BIT,
    HV_HYPERCALL_VARHEAD_OFFSET,
    HVCALL_SEND_IPI,
    HVCALL_SEND_IPI_EX,
)
from pvbench.x86.kvm_para import KVM_HC_SEND_IPI

VECTOR: Final = CALL_FUNCTION_VECTOR
_TARGET: Final = 0b10  # CPU 1, APIC ID 1, as a bit of any mask
_PAGE: Final = input_page(0)


@attrs.frozen
class Proposal:
    """
    What a hypercall of 2018 that was never merged does where a patched KVM serves it.

    Args:
        hypercall_abi: of the guest that executes it.
        target: the CPU that it reaches in the guest of all proposals.
    """

    hypercall_abi: str
    target: int


PROPOSALS: Final = {
    "kvm-v3-hypercall": Proposal("kvm-v3", 1),
    "kvm-cluster128-hypercall": Proposal("kvm-cluster128", 2),
    "kvm-cluster192-hypercall": Proposal("kvm-cluster192", 3),
}
_IDS_OF_PROPOSALS: Final = (0, 1, 128, 322)


def _icr(low: int, destination: int = 0) -> WrMsr:
    return WrMsr(x2apic_msr(APIC_ICR), destination << 32 | low)


def _mmio(low: int, destination: int = 0) -> Program:
    icr2 = MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR2, destination << 24)
    return icr2, MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR, low)


# By group, which is one child and one boot: APIC mode, hypercall ABI, and ops of
# CPU 0 that reach CPU 1 (the SELF IPI: CPU 0).
PROBES: Final[dict[str, tuple[str, str, dict[str, Program]]]] = {
    "x2apic": (
        "x2apic",
        "kvm",
        {
            "x2apic-physical": (Fence(), _icr(icr_low(VECTOR), 1)),
            "x2apic-logical": (Fence(), _icr(icr_low(VECTOR, APIC_DEST_LOGICAL), _TARGET)),
            "x2apic-shorthand": (Fence(), _icr(icr_low(VECTOR, APIC_DEST_ALLBUT))),
            "x2apic-self": (WrMsr(x2apic_msr(APIC_SELF_IPI), VECTOR),),
            "x2apic-nmi": (Fence(), _icr(icr_low(NMI_VECTOR), 1)),
        },
    ),
    "xapic": (
        "xapic",
        "kvm",
        {
            "xapic-physical": _mmio(icr_low(VECTOR), 1),
            "xapic-logical": _mmio(icr_low(VECTOR, APIC_DEST_LOGICAL), _TARGET),
            "xapic-shorthand": _mmio(icr_low(VECTOR, APIC_DEST_ALLBUT)),
            "xapic-nmi": _mmio(icr_low(NMI_VECTOR), 1),
        },
    ),
    "kvm": (
        "x2apic",
        "kvm",
        # With `min` 0 it would be a call of the ABI kvm-cluster192 too.
        {"kvm-hypercall": (Hypercall(KVM_HC_SEND_IPI, (1, 0, 1, VECTOR)),)},
    ),
    "hyperv": (
        "x2apic",
        "hyperv",
        {
            "hyperv-hypercall": (
                Hypercall(HVCALL_SEND_IPI | HV_HYPERCALL_FAST_BIT, (VECTOR, _TARGET)),
            ),
            "hyperv-hypercall-ex": (
                WriteMem(_PAGE, (VECTOR, 0, 1, _TARGET)),
                Hypercall(HVCALL_SEND_IPI_EX | 1 << HV_HYPERCALL_VARHEAD_OFFSET, (_PAGE, 0)),
            ),
        },
    ),
    "proposals": (
        "x2apic",
        "kvm",
        {
            "kvm-v3-hypercall": (Hypercall(KVM_HC_SEND_IPI, (_TARGET, 0, VECTOR)),),
            "kvm-cluster128-hypercall": (Hypercall(KVM_HC_SEND_IPI, (1, 0, 1 << 8 | VECTOR)),),
            "kvm-cluster192-hypercall": (
                Hypercall(KVM_HC_SEND_IPI, (0, 0, 4, 1 << 8 | VECTOR)),
            ),
        },
    ),
}


def guest_of(group: str) -> Guest:
    """The guest of the probes of *group*."""
    apic_mode, abi, _ = PROBES[group]
    ids = _IDS_OF_PROPOSALS if group == "proposals" else (0, 1)
    return Guest(name=group, apic_ids=ids, apic_mode=apic_mode, hypercall_abi=abi)


def task_of(name: str, program: Program) -> Task:
    """The probe *name* as a task of CPU 0."""
    vector = NMI_VECTOR if name.endswith("nmi") else VECTOR
    target = 0 if name.endswith("self") else 1
    return Task(
        bursts=(Burst(source=0, operation="send_IPI_mask", targets=(target,), vector=vector),),
        programs=(program,),
        reached=((target,),),
        program_for=lambda burst, cpus: (),
    )
