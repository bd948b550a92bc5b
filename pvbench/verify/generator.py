"""
Random trials: register words, hypercalls, and the programs of senders for any mask.

A trial depends only on the seed, its number and what may be drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from random import Random
from typing import Final

import attrs

from pvbench.dispatch import program
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.ops import (
    BARE_OPERATIONS,
    Burst,
    Fence,
    Hypercall,
    IrqRestore,
    IrqSave,
    MmioWrite,
    Op,
    Program,
    WrMsr,
)
from pvbench.sender import Stack
from pvbench.trials import spiv_write
from pvbench.verify.draw import Draw
from pvbench.verify.draw_hyperv import hyperv_call
from pvbench.verify.proposals import SCENES_OF, proposed_call
from pvbench.verify.trials import FIRST_SCENES, Scene, Trial
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_ICR,
    APIC_ICR2,
    APIC_SELF_IPI,
    NMI_VECTOR,
    x2apic_msr,
)
from pvbench.x86.kvm_para import KVM_HC_SEND_IPI

_ICR: Final = x2apic_msr(APIC_ICR)
_SELF_IPI: Final = x2apic_msr(APIC_SELF_IPI)
_UNKNOWN_CALLS: Final = (77, 0xDEAD, 1000, 1 << 40)
_SOURCES: Final = 8  # CPUs that send
_RUNNING: Final = {
    name: Scene(
        guest=Guest(name=name, apic_ids=range(3), apic_mode=mode), target_state="running"
    )
    for name, mode in (("x2run", "x2apic"), ("xarun", "xapic"))
}
# Guests whose hypercalls have registers of 32 bits.
_NARROW: Final = {
    "x2b32": Scene(
        guest=Guest(
            name="x2b32", apic_ids=(0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 300), bits=32
        )
    ),
    "hvb32": Scene(
        guest=Guest(name="hvb32", apic_ids=(0, 5, 33, 64), hypercall_abi="hyperv", bits=32)
    ),
}
USUAL_SCENES: Final = FIRST_SCENES | _RUNNING | _NARROW
SCENES: Final = reduce(or_, SCENES_OF.values(), USUAL_SCENES)
_WEIGHTS: Final = {  # those of a proposal are drawn equally often
    "x2": 26,
    "x2sparse": 28,
    "xa": 12,
    "xa12": 4,
    "xasparse": 6,
    "hv": 10,
    "hv70": 3,
    "hvsparse": 5,
    "x2run": 4,
    "xarun": 2,
    "x2b32": 12,
    "hvb32": 3,
}


@attrs.frozen(kw_only=True)
class Generator:
    """
    Draws trials.

    Args:
        scenes: names of the scenes that may be used.
        stacks: stacks whose programs are among the trials.
        tame: see `Draw`; nothing but register writes is drawn, for halted targets.
    """

    seed: int
    scenes: Sequence[str] = tuple(USUAL_SCENES)
    stacks: Sequence[Stack] = ()
    tame: bool = False

    def scene(self, number: int) -> str:
        """The scene of trial *number*."""
        names = [
            name
            for name in self.scenes
            if not self.tame or SCENES[name].target_state == "halted"
        ]
        weights = [_WEIGHTS.get(name, 1) for name in names]
        return self._random(number, "scene").choices(names, weights)[0]

    def trial(self, number: int) -> Trial:
        """Trial *number*."""
        name = self.scene(number)
        guest = SCENES[name].guest
        draw = Draw(self._random(number, "trial"), guest, tame=self.tame)
        cpus = range(min(len(guest.apic_ids), _SOURCES))
        count = 1 if self.tame or draw.chance(0.9) else draw.random.choice((2, 3))
        draw.plain = self.tame or (count == 1 and draw.chance(0.12))
        sources = draw.random.sample(cpus, min(count, len(cpus)))
        programs = [(source, self._program(draw, source)) for source in sources]
        if draw.plain and not self.tame:
            programs += _disabling(draw, sorted({*cpus} - {*sources}))
        return Trial(name, programs)

    def _random(self, number: int, use: str) -> Random:
        return Random(f"{self.seed} {number} {use}")  # noqa: S311 - no secrets

    def _program(self, draw: Draw, source: int) -> Program:
        if self.stacks and not draw.plain and draw.chance(0.1):
            return _of_sender(draw, source, self.stacks)
        count = draw.random.choice((1, 1, 1, 1, 1, 2, 3, 4))
        parts = [list(_sending(draw, source)) for _ in range(count)]
        if draw.chance(0.3):
            first, last = sorted(draw.random.choices(range(count), k=2))
            parts[first].insert(0, IrqSave())
            parts[last].append(IrqRestore())
        if draw.chance(0.1):
            parts[0].insert(0, Fence())
        if draw.plain and not self.tame and draw.chance(0.5):
            _disable(draw, parts)
        return tuple(op for part in parts for op in part)


def _disable(draw: Draw, parts: list[list[Op]]) -> None:
    """Let the program disable its own APIC for some of its *parts*."""
    first, last = sorted(draw.random.choices(range(len(parts)), k=2))
    parts[first].insert(0, spiv_write(draw.guest.apic_mode, enabled=False))
    parts[last].append(spiv_write(draw.guest.apic_mode, enabled=True))


def _disabling(draw: Draw, others: list[int]) -> list[tuple[int, Program]]:
    """Programs by which some *others* disable their APICs before the source sends."""
    count = min(draw.random.choice((0, 1, 1, 2, 4)), len(others))
    program = (spiv_write(draw.guest.apic_mode, enabled=False),)
    return [(cpu, program) for cpu in draw.random.sample(others, count)]


def _sending(draw: Draw, source: int) -> Iterator[Op]:
    """One op that sends, and what it needs before."""
    abi, is_x2apic = draw.guest.hypercall_abi, draw.guest.apic_mode == "x2apic"
    if abi == "hyperv" and not draw.tame and draw.chance(0.85):
        yield from hyperv_call(draw, source)
    elif abi == "kvm" and not draw.tame and draw.chance(0.35):
        yield _kvm_call(draw)
    elif abi in SCENES_OF and not draw.tame and draw.chance(0.8):
        yield proposed_call(draw)
    elif is_x2apic or (not draw.plain and draw.chance(0.02)):  # else it raises #GP
        yield _self_ipi(draw) if draw.chance(0.1) else _x2apic_write(draw)
    else:
        yield from _xapic_writes(draw)


def _kvm_call(draw: Draw) -> Hypercall:
    number = KVM_HC_SEND_IPI if draw.chance(0.96) else draw.random.choice(_UNKNOWN_CALLS)
    icr = draw.icr(plain=True) | (1 << 32 if draw.chance(0.03) else 0)
    return Hypercall(number, (draw.bitmap(), draw.bitmap(), draw.first_id(), icr))


def _x2apic_write(draw: Draw) -> WrMsr:
    low = draw.icr()
    return WrMsr(_ICR, draw.x2apic_destination() << 32 | low)


def _self_ipi(draw: Draw) -> WrMsr:
    bit = draw.random.choice((8, 31, 32, 63))
    return WrMsr(_SELF_IPI, draw.vector() | (1 << bit if draw.chance(0.3) else 0))


def _xapic_writes(draw: Draw) -> Iterator[Op]:
    """A write to ICR, and mostly one to ICR2 before; otherwise an earlier one counts."""
    if draw.tame or draw.chance(0.85):
        rest = draw.random.getrandbits(24) if draw.chance(0.2) else 0
        value = draw.xapic_destination() << 24 | rest
        yield MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR2, value)
    yield MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_ICR, draw.icr())


def _of_sender(draw: Draw, source: int, stacks: Sequence[Stack]) -> Program:
    """The program of a sender for a random mask; an empty one if none fits the guest."""
    guest = draw.guest
    fitting = [stack for stack in stacks if stack.guest(guest) == guest]
    burst = _burst(draw, source)
    able = [
        stack
        for stack in fitting
        if not (
            stack.why_unsupported(guest, LinuxEra()) or stack.sender.why_refused(burst, guest)
        )
    ]
    if not able:
        return tuple(_sending(draw, source))
    stack = draw.random.choice(able)
    linux = LinuxEra(no_ipi_broadcast=not draw.chance(0.5))
    return program(stack, burst, guest, linux=linux).program


def _burst(draw: Draw, source: int) -> Burst:
    operation = draw.random.choice(BARE_OPERATIONS)
    cpus = list(draw.guest.cpus)
    count = 1 if operation == "send_IPI" else draw.random.randrange(len(cpus) + 1)
    vector = NMI_VECTOR if draw.chance(0.1) else draw.vector()
    return Burst(
        source=source,
        operation=operation,
        targets=draw.random.sample(cpus, count),
        vector=vector if vector == NMI_VECTOR or vector >= 0x20 else 0xF0,
    )
