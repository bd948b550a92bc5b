"""The programs that a KVM may execute which can hang its machine."""

from __future__ import annotations

from typing import Final

from pvbench.ops import Fence, IrqRestore, IrqSave, MmioWrite, Op, WrMsr
from pvbench.verify.exclusions import exclusion
from pvbench.verify.trials import Scene, Trial
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_DM_FIXED,
    APIC_DM_NMI,
    APIC_ICR,
    APIC_ICR2,
    APIC_MODE_MASK,
    APIC_SELF_IPI,
    x2apic_msr,
)

_ICR: Final = (x2apic_msr(APIC_ICR), APIC_DEFAULT_PHYS_BASE + APIC_ICR)
_OTHERS: Final = (x2apic_msr(APIC_SELF_IPI), APIC_DEFAULT_PHYS_BASE + APIC_ICR2)


def is_tame(trial: Trial, scene: Scene) -> bool:
    """Whether one CPU sends fixed messages and NMIs to halted ones, by register writes only."""
    return (
        scene.target_state == "halted"
        and len(trial.programs) == 1
        and not exclusion(trial, scene)
        and all(_is_tame(op) for _, program in trial.programs for op in program)
    )


def _is_tame(op: Op) -> bool:
    match op:
        case WrMsr(place, value) | MmioWrite(place, value):
            is_plain = value & APIC_MODE_MASK in (APIC_DM_FIXED, APIC_DM_NMI)
            return place in _OTHERS or (place in _ICR and is_plain)
        case _:
            return isinstance(op, Fence | IrqSave | IrqRestore)
