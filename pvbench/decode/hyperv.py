"""
Hyper-V hypercalls: from the control word, registers and memory to virtual processors.

Source: Linux, arch/x86/kvm/hyperv.c, kvm_hv_hypercall() and kvm_hv_send_ipi().
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pvbench.decode.calls import U32, Call, Registers, bits_of
from pvbench.guest import Guest
from pvbench.ops import Hypercall
from pvbench.x86 import hyperv

_MASK_WORDS: Final = 3  # before the banks: vector, format, mask of valid banks


def decode(op: Hypercall, guest: Guest, registers: Registers) -> Call:
    """The effect of a hypercall in a guest with the ABI of Hyper-V."""
    if len(op.args) < 2:
        return _invalid("a Hyper-V call takes two arguments")
    registers.load_xmm(op.args[2:])
    if refused := _refused(op.nr):
        return refused
    if op.nr & hyperv.HV_HYPERCALL_CODE_MASK == hyperv.HVCALL_SEND_IPI:
        return _send_ipi(op, guest, registers)
    return _send_ipi_ex(op, guest, registers)


def _refused(control: int) -> Call | None:
    """The answer to a control word that asks for no IPI; KVM checks in this order."""
    code = control & hyperv.HV_HYPERCALL_CODE_MASK
    if control & hyperv.HV_HYPERCALL_RSVD_MASK:
        return _invalid(f"the control word {control:#x} has reserved bits set")
    if code == hyperv.HVCALL_POST_MESSAGE:
        return _invalid("HvCallPostMessage needs a SynIC, which no guest has enabled")
    if code not in (hyperv.HVCALL_SEND_IPI, hyperv.HVCALL_SEND_IPI_EX):
        status = hyperv.HV_STATUS_INVALID_HYPERCALL_CODE
        return Call(result=status, error=f"Hyper-V call {control:#x} sends no IPI")
    if control & hyperv.HV_HYPERCALL_REP_MASK:
        return _invalid("an IPI is no repeated call: the rep count and index must be 0")
    return None


def _header(op: Hypercall) -> int:
    """The size of the variable header, in words."""
    return (op.nr & hyperv.HV_HYPERCALL_VARHEAD_MASK) >> hyperv.HV_HYPERCALL_VARHEAD_OFFSET


def _send_ipi(op: Hypercall, guest: Guest, registers: Registers) -> Call:
    if _header(op):
        return _invalid("HvCallSendSyntheticClusterIpi has no variable header")
    if op.nr & hyperv.HV_HYPERCALL_FAST_BIT:
        vector, mask = op.args[:2]
        if vector > U32:
            return _invalid("the bits 63:32 of the first argument must be 0")
    else:
        vector, mask = registers.memory.words(op.args[0], 2)
    return _synthetic_ipi(vector & U32, _cpus_of(bits_of(mask, 64), guest))


def _send_ipi_ex(op: Hypercall, guest: Guest, registers: Registers) -> Call:
    size = _header(op)
    words = _ex_words(op, size, registers)
    vector, set_format, valid_bank_mask, *banks = words
    numbers = bits_of(valid_bank_mask, 64)
    if len(numbers) != size:
        return _invalid("the size of the variable header differs from the number of banks")
    if set_format == hyperv.HV_GENERIC_SET_ALL:
        return _synthetic_ipi(vector & U32, np.arange(len(guest.apic_ids)))
    if not size:  # KVM returns before it checks the vector
        return Call(cpus=np.empty(0, np.int64), result=hyperv.HV_STATUS_SUCCESS)
    if len(banks) < size:
        return _invalid(f"the XMM registers have no room for {size} banks")
    width = hyperv.HV_VCPUS_PER_SPARSE_BANK
    vps = [bits_of(bank, width) + n * width for n, bank in zip(numbers, banks, strict=True)]
    return _synthetic_ipi(vector & U32, _cpus_of(np.concatenate(vps), guest))


def _cpus_of(vps: npt.NDArray[np.int64], guest: Guest) -> npt.NDArray[np.int64]:
    """The CPUs that are virtual processors *vps*, which ascend; KVM asks each vCPU."""
    return np.isin(guest.vp_indexes, vps).nonzero()[0] if guest.vp_indexes else vps


def _ex_words(op: Hypercall, size: int, registers: Registers) -> tuple[int, ...]:
    """Vector, format, mask and at most *size* banks, from the input page or the registers."""
    if op.nr & hyperv.HV_HYPERCALL_FAST_BIT:
        return *op.args[:2], *registers.xmm[: 1 + size]
    return registers.memory.words(op.args[0], _MASK_WORDS + size)


def _invalid(why: str) -> Call:
    return Call(result=hyperv.HV_STATUS_INVALID_HYPERCALL_INPUT, error=why)


def _synthetic_ipi(vector: int, cpus: npt.NDArray[np.int64]) -> Call:
    if not hyperv.HV_IPI_LOW_VECTOR <= vector <= hyperv.HV_IPI_HIGH_VECTOR:
        return _invalid(f"Hyper-V cannot send vector {vector:#x}")
    return Call(vector=vector, cpus=cpus, result=hyperv.HV_STATUS_SUCCESS)
