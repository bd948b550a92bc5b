"""Random Hyper-V calls: short and extended, slow, fast and by XMM registers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pvbench.ops import Hypercall, Op, WriteMem
from pvbench.sequences import PAGE_SIZE, input_page
from pvbench.verify.draw import Draw
from pvbench.x86.hyperv import (
    HV_HYPERCALL_FAST_BIT,
    HV_HYPERCALL_VARHEAD_OFFSET,
    HVCALL_POST_MESSAGE,
    HVCALL_SEND_IPI,
    HVCALL_SEND_IPI_EX,
)

_UNKNOWN: Final = (0x77, HVCALL_POST_MESSAGE, 0xC, 0x16)
_ODD_VECTORS: Final = (0, 0xF, 0x100, 0x1FF, 0xFFFF_FFFF)
_HIGH_BITS: Final = (32, 40, 48, 63)
_CONTROL_BITS: Final = (17, 27, 31, 32, 44, 48, 60)


def hyperv_call(draw: Draw, source: int) -> Iterator[Op]:
    """A call of CPU *source* and the write of its input page, if it has one."""
    code = HVCALL_SEND_IPI_EX if draw.chance(0.6) else HVCALL_SEND_IPI
    if draw.chance(0.04):
        code = draw.random.choice(_UNKNOWN)
    control = code | (1 << draw.random.choice(_CONTROL_BITS) if draw.chance(0.06) else 0)
    make = _extended if code == HVCALL_SEND_IPI_EX else _short
    yield from make(draw, control, _input(draw, source))


def _input(draw: Draw, source: int) -> int:
    """An address in the input page of *source*; KVM asks for no alignment."""
    page = input_page(source)
    if source + 1 < len(draw.guest.apic_ids) and draw.chance(0.1):
        return page + draw.random.choice((8, 4, PAGE_SIZE - 16, PAGE_SIZE - 12))
    return page


def _read_from(draw: Draw, page: int) -> int:
    """The address that a call reads: now and then not the one that was written."""
    return page + draw.random.choice((8, 256)) if draw.chance(0.04) else page


def _vector(draw: Draw) -> int:
    vector = draw.vector() if draw.chance(0.93) else draw.random.choice(_ODD_VECTORS)
    return vector | (1 << draw.random.choice(_HIGH_BITS) if draw.chance(0.06) else 0)


def _short(draw: Draw, control: int, page: int) -> Iterator[Op]:
    arguments = _vector(draw), draw.bitmap()
    if draw.chance(0.6):
        yield Hypercall(control | HV_HYPERCALL_FAST_BIT, arguments)
        return
    yield WriteMem(page, arguments)
    yield Hypercall(control, (_read_from(draw, page), 0))


def _extended(draw: Draw, control: int, page: int) -> Iterator[Op]:
    random = draw.random
    banks = [_bank(draw) for _ in range(random.choice((0, 1, 1, 1, 2, 3, 11)))]
    last = 64 if len(banks) > 4 or draw.chance(0.2) else 4
    mask = sum(1 << number for number in random.sample(range(last), len(banks)))
    mask |= 1 << random.randrange(64) if draw.chance(0.05) else 0
    words = (_vector(draw), random.choice((0, 0, 0, 1, 1, 2, 1 << 32)), mask, *banks)
    header = random.randrange(14) if draw.chance(0.1) else len(banks)
    control |= header << HV_HYPERCALL_VARHEAD_OFFSET
    if draw.chance(0.4):
        yield Hypercall(control | HV_HYPERCALL_FAST_BIT, words)
        return
    yield WriteMem(page, words)
    yield Hypercall(control, (_read_from(draw, page), 0))


def _bank(draw: Draw) -> int:
    every = (1 << min(len(draw.guest.apic_ids), 64)) - 1
    return draw.bitmap() if draw.chance(0.5) else every
