"""Ops as the guest reads them, and back."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pvbench.ops import (
    Fence,
    Hypercall,
    IrqRestore,
    IrqSave,
    MmioWrite,
    Op,
    Program,
    Scan,
    WaitIcrIdle,
    WriteMem,
    WrMsr,
)
from pvbench_deliver_kvm import mailbox

_PLAIN: Final[dict[type[Op], int]] = {
    IrqSave: mailbox.OP_IRQ_SAVE,
    IrqRestore: mailbox.OP_IRQ_RESTORE,
    Fence: mailbox.OP_FENCE,
}
_MADE: Final[dict[int, type[Op]]] = {kind: op for op, kind in _PLAIN.items()}


def encode(program: Iterable[Op]) -> bytes:
    """Words of 64 bits, see ``enum op_kind`` in guest/abi.h."""
    words = [word for op in program for word in _words(op)]
    return struct.pack(f"<{len(words) + 1}Q", *words, mailbox.OP_END)


def _words(op: Op) -> tuple[int, ...]:
    kind, key, words = _parts(op)
    return (kind | len(words) << 8, key, *words)


def _parts(op: Op) -> tuple[int, int, tuple[int, ...]]:
    match op:
        case Scan(cpus):
            return mailbox.OP_SCAN, cpus, ()
        case WrMsr(msr, value):
            return mailbox.OP_WRMSR, msr, (value,)
        case MmioWrite(address, value):
            return mailbox.OP_MMIO_WRITE, address, (value,)
        case WriteMem(address, words):
            return mailbox.OP_WRITE_MEM, address, words
        case WaitIcrIdle(limit):
            return mailbox.OP_WAIT_ICR_IDLE, limit, ()
        case Hypercall(nr, args):
            return mailbox.OP_HYPERCALL, nr, args
        case _:
            return _PLAIN[type(op)], 0, ()


def decode(words: Sequence[int]) -> Program:
    """The inverse of `encode`, up to OP_END."""
    return tuple(_ops(words))


def _ops(words: Sequence[int]) -> Iterator[Op]:
    at = 0
    while kind := words[at] & 0xFF:
        count, key = words[at] >> 8, words[at + 1]
        yield _op(kind, key, tuple(words[at + 2 : at + 2 + count]))
        at += 2 + count


def _op(kind: int, key: int, words: tuple[int, ...]) -> Op:
    match kind:
        case mailbox.OP_SCAN:
            return Scan(key)
        case mailbox.OP_WRMSR:
            return WrMsr(key, *words)
        case mailbox.OP_MMIO_WRITE:
            return MmioWrite(key, *words)
        case mailbox.OP_WRITE_MEM:
            return WriteMem(key, words)
        case mailbox.OP_WAIT_ICR_IDLE:
            return WaitIcrIdle(key)
        case mailbox.OP_HYPERCALL:
            return Hypercall(key, words)
        case _:
            return _MADE[kind]()
