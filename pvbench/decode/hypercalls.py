"""
Hypercall ABIs: from registers and memory to destinations.

Source: Linux, Documentation/virt/kvm/x86/hypercalls.rst, arch/x86/kvm/lapic.c
(kvm_pv_send_ipi); Xen, public/event_channel.h.  The ABIs of 2018 that were never merged
follow the patch and its review.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from pvbench.decode import hyperv
from pvbench.decode.calls import U32, Call, Registers, bits_of
from pvbench.decode.messages import message_of
from pvbench.guest import Guest
from pvbench.ops import Hypercall
from pvbench.x86 import kvm_para, xen
from pvbench.x86.apic import APIC_DEST_LOGICAL, APIC_VECTOR_MASK, SHORTHAND_MASK


def _joined(words: tuple[int, ...], guest: Guest) -> int:
    """
    Join bitmap words, lowest first, to one number.

    KVM truncates hypercall registers to 32 bits when the guest is not in 64-bit mode.
    """
    bits, bitmap = guest.bits, 0
    for word in reversed(words):
        bitmap = bitmap << bits | (word & U32 if bits == 32 else word)
    return bitmap


def _not_send_ipi(op: Hypercall, guest: Guest, arguments: int) -> Call | None:
    number = op.nr & U32 if guest.bits == 32 else op.nr
    if number != kvm_para.KVM_HC_SEND_IPI:
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


def _kvm(op: Hypercall, guest: Guest, registers: Registers) -> Call:
    if refused := _not_send_ipi(op, guest, 4):
        return refused
    low, high, first, icr = op.args
    if icr & (APIC_DEST_LOGICAL | SHORTHAND_MASK):
        return Call(
            result=-kvm_para.KVM_EINVAL,
            error=f"ICR {icr:#x} is not a message to physical destinations",
        )
    ids = _window(_joined((low, high), guest), first & U32, guest.bits)
    return _to(icr, ids)


def _to(icr: int, apic_ids: npt.NDArray[np.int64]) -> Call:
    """Send a message; KVM returns how many CPUs accept it, even if they handle nothing."""
    message = message_of(icr)
    result = None if message.accepted else 0
    return Call(message.vector, apic_ids, result=result, error=message.error)


def _window(bitmap: int, first: int, bits: int) -> npt.NDArray[np.int64]:
    """Return the APIC IDs of a bitmap; KVM adds in 32-bit arithmetic, word by word."""
    ids = bits_of(bitmap, 2 * bits)
    if first + 2 * bits <= U32 + 1:
        return ids + first
    second = first + bits & U32
    return np.where(ids < bits, first + ids, second + ids - bits)


def _kvm_v3(op: Hypercall, guest: Guest, registers: Registers) -> Call:
    if refused := _not_send_ipi(op, guest, 3):
        return refused
    ids = bits_of(_joined(op.args[:2], guest), 2 * guest.bits)
    return _to(op.args[2] & APIC_VECTOR_MASK, ids)


def _kvm_cluster(bitmap_words: int) -> Callable[[Hypercall, Guest, Registers], Call]:
    def decode(op: Hypercall, guest: Guest, registers: Registers) -> Call:
        if refused := _not_send_ipi(op, guest, bitmap_words + 1):
            return refused
        last, width = op.args[-1] & U32, bitmap_words * guest.bits
        ids = bits_of(_joined(op.args[:-1], guest), width) + (last >> 8) * width
        return _to(last & APIC_VECTOR_MASK, ids)

    return decode


def _xen(op: Hypercall, guest: Guest, registers: Registers) -> Call:
    if op.nr != xen.__HYPERVISOR_event_channel_op or op.args[:1] != (xen.EVTCHNOP_send,):
        return Call(result=-xen.XEN_ENOSYS, error=f"Xen call {op.nr} sends no event")
    port = registers.memory.words(op.args[1], 1)[0] & U32 if len(op.args) > 1 else 0
    cpu, ipi = divmod(port - 1, xen.XEN_NR_IPIS)
    vectors = [v for v, number in xen.XEN_IPI_OF_VECTOR.items() if number == ipi]
    if port < 1 or cpu >= len(guest.apic_ids) or not vectors:
        return Call(result=-xen.XEN_ENOENT, error=f"event channel port {port} is not bound")
    return Call(vector=vectors[0], cpus=np.array([cpu]), result=0)


HANDLERS: Final[dict[str, Callable[[Hypercall, Guest, Registers], Call]]] = {
    "kvm": _kvm,
    "kvm-v3": _kvm_v3,
    "kvm-cluster128": _kvm_cluster(2),
    "kvm-cluster192": _kvm_cluster(3),
    "hyperv": hyperv.decode,
    "xen": _xen,
}
