"""Exceptions that guest code raised, for error messages."""

from __future__ import annotations

from typing import Final

from pvbench_deliver_kvm.vmm import mailbox

_MNEMONICS: Final = {0: "#DE", 6: "#UD", 8: "#DF", 13: "#GP", 14: "#PF"}


def exception_name(vector: int) -> str:
    """The manual's mnemonic of an exception, and its vector."""
    return f"{_MNEMONICS.get(vector, 'an exception')} (vector {vector})"


def description(cpu: mailbox.Cpu) -> str:
    """The exception that the guest's handler has recorded for *cpu*."""
    return (
        f"{exception_name(cpu.fault_vector)}, error code {cpu.fault_error:#x}, "
        f"at RIP {cpu.fault_rip:#x}, CR2 {cpu.fault_cr2:#x}"
    )
