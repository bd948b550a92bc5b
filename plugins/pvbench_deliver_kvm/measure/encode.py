"""Ops in the encoding of the guest: kind and number of words, a key, the words."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import attrs

from pvbench.ops import (
    Cpuid,
    Fence,
    Hypercall,
    IrqRestore,
    IrqSave,
    MmioWrite,
    Op,
    Program,
    RdMsr,
    Scan,
    WaitIcrIdle,
    WriteMem,
    WrMsr,
)
from pvbench_deliver_kvm.vmm import mailbox

_KINDS: Final[dict[type[Op], int]] = {
    IrqSave: mailbox.OP_IRQ_SAVE,
    IrqRestore: mailbox.OP_IRQ_RESTORE,
    Fence: mailbox.OP_FENCE,
    Scan: mailbox.OP_SCAN,
    WrMsr: mailbox.OP_WRMSR,
    MmioWrite: mailbox.OP_MMIO_WRITE,
    WriteMem: mailbox.OP_WRITE_MEM,
    WaitIcrIdle: mailbox.OP_WAIT_ICR_IDLE,
    Hypercall: mailbox.OP_HYPERCALL,
    Cpuid: mailbox.OP_CPUID,
    RdMsr: mailbox.OP_RDMSR,
}
_MAKERS: Final[dict[int, Callable[[int, tuple[int, ...]], Op]]] = {
    mailbox.OP_IRQ_SAVE: lambda key, words: IrqSave(),
    mailbox.OP_IRQ_RESTORE: lambda key, words: IrqRestore(),
    mailbox.OP_FENCE: lambda key, words: Fence(),
    mailbox.OP_SCAN: lambda key, words: Scan(key),
    mailbox.OP_WRMSR: lambda key, words: WrMsr(key, *words),
    mailbox.OP_MMIO_WRITE: lambda key, words: MmioWrite(key, *words),
    mailbox.OP_WRITE_MEM: WriteMem,
    mailbox.OP_WAIT_ICR_IDLE: lambda key, words: WaitIcrIdle(key),
    mailbox.OP_HYPERCALL: Hypercall,
    mailbox.OP_CPUID: lambda key, words: Cpuid(key, *words),
    mailbox.OP_RDMSR: lambda key, words: RdMsr(key),
}


def encode(program: Iterable[Op]) -> bytes:
    """The ops as little-endian 64-bit words, see ``enum op_kind`` in guest/abi.h."""
    words = [word for op in program for word in _words(op)]
    return struct.pack(f"<{len(words) + 1}Q", *words, mailbox.OP_END)


def _words(op: Op) -> tuple[int, ...]:
    fields = attrs.astuple(op, recurse=False)
    key = fields[0] if fields else 0
    words = fields[1] if len(fields) > 1 else ()
    if isinstance(words, int):
        words = (words,)
    return (_KINDS[type(op)] | len(words) << 8, key, *words)


def decode(words: Sequence[int]) -> Program:
    """The inverse of `encode`, up to OP_END."""
    return tuple(_ops(words))


def _ops(words: Sequence[int]) -> Iterator[Op]:
    start = 0
    while kind := words[start] & 0xFF:
        end = start + 2 + (words[start] >> 8)
        yield _MAKERS[kind](words[start + 1], tuple(words[start + 2 : end]))
        start = end
