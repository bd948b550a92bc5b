"""
Hypercall ABIs: from registers and memory to destinations.

Source: Linux, Documentation/virt/kvm/x86/hypercalls.rst, arch/x86/kvm/lapic.c
(kvm_pv_send_ipi) and hyperv.c (kvm_hv_send_ipi); Xen, public/event_channel.h.
The ABIs of 2018 that were never merged follow the patch and its review.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pvbench.guest import Guest
from pvbench.ops import Hypercall
from pvbench.x86 import hyperv, kvm_para, xen
from pvbench.x86.apic import (
    APIC_DEST_LOGICAL,
    APIC_DM_FIXED,
    APIC_DM_NMI,
    APIC_MODE_MASK,
    APIC_VECTOR_MASK,
    FIRST_LEGAL_VECTOR,
    NMI_VECTOR,
    SHORTHAND_MASK,
)

Memory = Mapping[int, tuple[int, ...]]

_U32: Final = 0xFFFF_FFFF


class Call(NamedTuple):
    """
    The effect of a hypercall: APIC IDs or CPU numbers to interrupt, or only a result.

    Args:
        result: its return value; None stands for the number of CPUs reached.
        error: reason why no CPU is reached.
    """

    vector: int = 0
    apic_ids: npt.NDArray[np.int64] | None = None
    cpus: npt.NDArray[np.int64] | None = None
    result: int | None = None
    error: str | None = None


def bits_of(bitmap: int, bits: int) -> npt.NDArray[np.int64]:
    """Return the positions of the bits that are set, ascending."""
    raw = np.frombuffer(bitmap.to_bytes(bits // 8, "little"), np.uint8)
    return np.unpackbits(raw, bitorder="little").nonzero()[0]


def _joined(words: tuple[int, ...], guest: Guest) -> int:
    """
    Join bitmap words, lowest first, to one number.

    KVM truncates hypercall registers to 32 bits when the guest is not in 64-bit mode.
    """
    bits, bitmap = guest.bits, 0
    for word in reversed(words):
        bitmap = bitmap << bits | (word & _U32 if bits == 32 else word)
    return bitmap


def _not_send_ipi(op: Hypercall, arguments: int) -> Call | None:
    if op.nr != kvm_para.KVM_HC_SEND_IPI:
        return Call(
            result=-kvm_para.KVM_ENOSYS,
            error=f"KVM hypercall {op.nr} sends no IPI",
        )
    if len(op.args) != arguments:
        return Call(
            result=-kvm_para.KVM_EINVAL,
            error=f"KVM_HC_SEND_IPI takes {arguments} arguments in this ABI",
        )
    return None


def _kvm(op: Hypercall, guest: Guest, memory: Memory) -> Call:
    if refused := _not_send_ipi(op, 4):
        return refused
    low, high, first, icr = op.args
    mode = icr & APIC_MODE_MASK
    if icr & (APIC_DEST_LOGICAL | SHORTHAND_MASK) or mode not in (
        APIC_DM_FIXED,
        APIC_DM_NMI,
    ):
        return Call(
            result=-kvm_para.KVM_EINVAL,
            error=f"ICR {icr:#x} is not a fixed or NMI message to physical destinations",
        )
    ids = _window(_joined((low, high), guest), first & _U32, guest.bits)
    if mode == APIC_DM_NMI:
        return Call(vector=NMI_VECTOR, apic_ids=ids)
    return _fixed(icr & APIC_VECTOR_MASK, ids)


def _fixed(vector: int, apic_ids: npt.NDArray[np.int64]) -> Call:
    """Send a fixed interrupt; a vector below 0x10 would stay in the IRR forever."""
    if vector < FIRST_LEGAL_VECTOR:
        return Call(result=0, error=f"vector {vector:#x} is illegal to send")
    return Call(vector=vector, apic_ids=apic_ids)


def _window(bitmap: int, first: int, bits: int) -> npt.NDArray[np.int64]:
    """Return the APIC IDs of a bitmap; KVM adds in 32-bit arithmetic, word by word."""
    ids = bits_of(bitmap, 2 * bits)
    if first + 2 * bits <= _U32 + 1:
        return ids + first
    second = first + bits & _U32
    return np.where(ids < bits, first + ids, second + ids - bits)


def _kvm_v3(op: Hypercall, guest: Guest, memory: Memory) -> Call:
    if refused := _not_send_ipi(op, 3):
        return refused
    ids = bits_of(_joined(op.args[:2], guest), 2 * guest.bits)
    return _fixed(op.args[2] & APIC_VECTOR_MASK, ids)


def _kvm_cluster(bitmap_words: int) -> Callable[[Hypercall, Guest, Memory], Call]:
    width = 64 * bitmap_words

    def decode(op: Hypercall, guest: Guest, memory: Memory) -> Call:
        if refused := _not_send_ipi(op, bitmap_words + 1):
            return refused
        last = op.args[-1] & _U32
        ids = bits_of(_joined(op.args[:-1], guest), width) + (last >> 8) * width
        return _fixed(last & APIC_VECTOR_MASK, ids)

    return decode


def _hyperv(op: Hypercall, guest: Guest, memory: Memory) -> Call:
    code = op.nr & hyperv.HV_HYPERCALL_CODE_MASK
    if code not in (hyperv.HVCALL_SEND_IPI, hyperv.HVCALL_SEND_IPI_EX):
        status = hyperv.HV_STATUS_INVALID_HYPERCALL_CODE
        return Call(result=status, error=f"Hyper-V call {op.nr:#x} sends no IPI")
    if len(op.args) != 2:
        return _invalid("a Hyper-V call takes two arguments")
    if code == hyperv.HVCALL_SEND_IPI:
        fast = op.nr & hyperv.HV_HYPERCALL_FAST_BIT
        return _send_ipi(op.args if fast else memory.get(op.args[0], ()))
    header = op.nr >> hyperv.HV_HYPERCALL_VARHEAD_OFFSET
    return _send_ipi_ex(memory.get(op.args[0], ()), header, guest)


def _send_ipi(arguments: tuple[int, ...]) -> Call:
    if len(arguments) != 2:
        return _invalid("HvCallSendSyntheticClusterIpi takes a vector and a mask")
    return _synthetic_ipi(arguments[0], bits_of(arguments[1], 64))


def _send_ipi_ex(page: tuple[int, ...], header: int, guest: Guest) -> Call:
    if len(page) < 3:
        return _invalid("the input page has no vector, format and bank mask")
    vector, set_format, valid_bank_mask, *banks = page
    if set_format == hyperv.HV_GENERIC_SET_ALL:
        return _synthetic_ipi(vector, np.arange(len(guest.apic_ids)))
    numbers = bits_of(valid_bank_mask, 64)
    if not len(banks) == len(numbers) == header:
        return _invalid("the size of the variable header differs from the number of banks")
    size = hyperv.HV_VCPUS_PER_SPARSE_BANK
    vps = [bits_of(bank, size) + n * size for n, bank in zip(numbers, banks, strict=True)]
    return _synthetic_ipi(vector, np.concatenate([np.empty(0, np.int64), *vps]))


def _invalid(why: str) -> Call:
    return Call(result=hyperv.HV_STATUS_INVALID_HYPERCALL_INPUT, error=why)


def _synthetic_ipi(vector: int, vps: npt.NDArray[np.int64]) -> Call:
    if not hyperv.HV_IPI_LOW_VECTOR <= vector <= hyperv.HV_IPI_HIGH_VECTOR:
        return _invalid(f"Hyper-V cannot send vector {vector:#x}")
    return Call(vector=vector, cpus=vps, result=hyperv.HV_STATUS_SUCCESS)


def _xen(op: Hypercall, guest: Guest, memory: Memory) -> Call:
    if op.nr != xen.__HYPERVISOR_event_channel_op or op.args[:1] != (xen.EVTCHNOP_send,):
        return Call(result=-xen.XEN_ENOSYS, error=f"Xen call {op.nr} sends no event")
    struct = memory.get(op.args[1], ()) if len(op.args) > 1 else ()
    port = struct[0] if struct else 0
    cpu, ipi = divmod(port - 1, xen.XEN_NR_IPIS)
    vectors = [v for v, number in xen.XEN_IPI_OF_VECTOR.items() if number == ipi]
    if port < 1 or cpu >= len(guest.apic_ids) or not vectors:
        return Call(result=-xen.XEN_ENOENT, error=f"event channel port {port} is not bound")
    return Call(vector=vectors[0], cpus=np.array([cpu]), result=0)


HANDLERS: Final[dict[str, Callable[[Hypercall, Guest, Memory], Call]]] = {
    "kvm": _kvm,
    "kvm-v3": _kvm_v3,
    "kvm-cluster128": _kvm_cluster(2),
    "kvm-cluster192": _kvm_cluster(3),
    "hyperv": _hyperv,
    "xen": _xen,
}
