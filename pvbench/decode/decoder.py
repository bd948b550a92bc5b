"""
What a hypervisor makes of an op program: which CPUs each op interrupts.

It sees MSR and MMIO numbers, ICR words, hypercall numbers and registers, and
memory; never the sender's intention.  Everything that needs destinations
(`explain`, the static check, the model, the proof of a real delivery) asks here.

Source: Linux, arch/x86/kvm/lapic.c, hyperv.c and xen.c; Intel SDM vol. 3,
"Advanced Programmable Interrupt Controller (APIC)".
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pvbench.decode.hypercalls import HANDLERS, Call
from pvbench.guest import Guest
from pvbench.ops import Hypercall, KernelSend, MmioWrite, Op, Program, WriteMem, WrMsr
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_DEST_ALLBUT,
    APIC_DEST_ALLINC,
    APIC_DEST_LOGICAL,
    APIC_DEST_SELF,
    APIC_DM_FIXED,
    APIC_DM_NMI,
    APIC_ICR,
    APIC_ICR2,
    APIC_MODE_MASK,
    APIC_SELF_IPI,
    APIC_VECTOR_MASK,
    FIRST_LEGAL_VECTOR,
    NMI_VECTOR,
    SHORTHAND_MASK,
    X2APIC_BROADCAST,
    XAPIC_BROADCAST,
    x2apic_msr,
)

Cpus = npt.NDArray[np.int64]

_ICR_MSR: Final = x2apic_msr(APIC_ICR)
_SELF_MSR: Final = x2apic_msr(APIC_SELF_IPI)
_ICR_ADDRESS: Final = APIC_DEFAULT_PHYS_BASE + APIC_ICR
_ICR2_ADDRESS: Final = APIC_DEFAULT_PHYS_BASE + APIC_ICR2
_X2APIC_RESERVED: Final = 0xFFF3_2000  # bits 31:20, 17:16 and 13
_TABLE_IDS: Final = 1 << 20  # up to here a table beats a search
_NOBODY: Final[Cpus] = np.empty(0, np.int64)


class Route(IntEnum):
    """How a hypervisor finds the targets of a send; costs hang on it."""

    PHYSICAL = 0  # one look-up
    LOGICAL = 1  # up to 16 candidates
    SELF_REGISTER = 2  # the x2APIC's SELF IPI register
    SELF = 3  # the shorthand
    BROADCAST = 4  # "all", "all but self", broadcast ID: every vCPU is asked
    HYPERCALL = 5
    KERNEL = 6  # only a running kernel knows
    FAULT = 7  # reaches nobody: #GP, illegal vector, error return


class Sends(NamedTuple):
    """
    Consecutive ops of one route and vector.

    Args:
        first: index of the first op in the program.
        ops: how many ops.
        cpus: CPU numbers hit, in delivery order.
        op_of_hit: for each hit its op, counted from *first*; None if ops is 1.
        result: what a hypercall returns.
        error: why nobody is reached, for people.
    """

    first: int
    ops: int
    route: Route
    vector: int
    cpus: Cpus
    op_of_hit: Cpus | None = None
    result: int | None = None
    error: str | None = None


def counted(sends: list[Sends]) -> tuple[int, int]:
    """(ICR writes, hypercalls) of a decoded program; only a hypercall has a result."""
    hypercalls = sum(send.result is not None for send in sends)
    written = (s.ops for s in sends if s.result is None and s.route != Route.KERNEL)
    return sum(written), hypercalls


class Decoder:
    """Decodes programs of one CPU of a guest."""

    def __init__(self, guest: Guest, source: int) -> None:
        self.guest, self.source = guest, source
        self._x2apic = guest.apic_mode == "x2apic"
        self._everyone = np.arange(len(guest.apic_ids), dtype=np.int64)
        self._others = np.delete(self._everyone, source)
        self._hypercall = HANDLERS[guest.hypercall_abi]
        self._look_up = _look_up_table(guest.apic_ids)
        self._icr2 = 0
        self._memory: dict[int, tuple[int, ...]] = {}

    def sends(self, program: Program) -> list[Sends]:
        """Every op of *program* that asks for an interrupt, in program order."""
        found: list[Sends] = []
        done = 0
        for first, op in enumerate(program):
            kind = type(op)
            if first >= done and kind in _SENDING:
                done = first + 1
                while done < len(program) and type(program[done]) is kind:
                    done += 1
                found += _SENDING[kind](self, first, program[first:done])
        return found

    def _write_msr(self, first: int, run: tuple[WrMsr, ...]) -> list[Sends]:
        if len({op.msr for op in run}) == 1:
            values = np.array([op.value for op in run], "<u8")
            halves = values.view("<u4")
            low, high = halves[::2], halves[1::2]
            if not np.count_nonzero(low != low[0]):
                return self._same_msr(first, run[0].msr, int(low[0]), high.astype(np.int64))
        found = []
        for _, ops in groupby(run, lambda op: (op.msr, op.value & 0xFFFF_FFFF)):
            alike = tuple(ops)
            found += self._write_msr(first, alike)
            first += len(alike)
        return found

    def _same_msr(self, first: int, msr: int, low: int, high: Cpus) -> list[Sends]:
        if not self._x2apic:
            return [_fault(first, len(high), "an x2APIC register in xAPIC mode raises #GP")]
        if msr == _SELF_MSR:
            return self._self_ipi(first, low, high)
        if msr != _ICR_MSR:
            return [_fault(first, len(high), f"MSR {msr:#x} sends nothing")]
        if low & _X2APIC_RESERVED:
            return [_fault(first, len(high), f"ICR {low:#x} has reserved bits set: #GP")]
        return self._icr(first, low, high)

    def _self_ipi(self, first: int, value: int, high: Cpus) -> list[Sends]:
        """The SELF IPI register holds a vector and nothing else."""
        if value > APIC_VECTOR_MASK or high.any():
            return [_fault(first, len(high), f"SELF IPI {value:#x} has reserved bits set: #GP")]
        if value < FIRST_LEGAL_VECTOR:
            return [_fault(first, len(high), f"vector {value:#x} is illegal to send")]
        route = Route.SELF_REGISTER
        return [self._to_self(first + i, value, route) for i in range(len(high))]

    def _write_mmio(self, first: int, run: tuple[MmioWrite, ...]) -> list[Sends]:
        found = []
        for i, op in enumerate(run):
            if self._x2apic:
                found.append(_fault(first + i, 1, "the xAPIC page is off in x2APIC mode"))
            elif op.address == _ICR2_ADDRESS:
                self._icr2 = op.value >> 24
            elif op.address == _ICR_ADDRESS:
                found += self._icr(first + i, op.value, np.array([self._icr2]))
            else:
                found.append(_fault(first + i, 1, f"{op.address:#x} sends nothing"))
        return found

    def _write_memory(self, first: int, run: tuple[WriteMem, ...]) -> list[Sends]:
        self._memory.update((op.address, op.words) for op in run)
        return []

    def _icr(self, first: int, low: int, destinations: Cpus) -> list[Sends]:
        mode = low & APIC_MODE_MASK
        vector = NMI_VECTOR if mode == APIC_DM_NMI else low & APIC_VECTOR_MASK
        count = len(destinations)
        if mode not in (APIC_DM_FIXED, APIC_DM_NMI):
            return [_fault(first, count, f"delivery mode {mode >> 8} is not decoded")]
        if mode == APIC_DM_FIXED and vector < FIRST_LEGAL_VECTOR:
            return [_fault(first, count, f"vector {vector:#x} is illegal to send")]
        if low & SHORTHAND_MASK:
            return [self._shorthand(first + i, low, vector) for i in range(count)]
        broadcast = destinations == (X2APIC_BROADCAST if self._x2apic else XAPIC_BROADCAST)
        if not np.count_nonzero(broadcast):
            return [self._addressed(first, low, vector, destinations)]
        return [
            _one(first + i, Route.BROADCAST, vector, self._everyone)
            if broadcast[i]
            else self._addressed(first + i, low, vector, destinations[i : i + 1])
            for i in range(count)
        ]

    def _shorthand(self, first: int, low: int, vector: int) -> Sends:
        shorthand = low & SHORTHAND_MASK
        if shorthand == APIC_DEST_SELF:
            return self._to_self(first, vector, Route.SELF)
        cpus = {APIC_DEST_ALLINC: self._everyone, APIC_DEST_ALLBUT: self._others}
        return _one(first, Route.BROADCAST, vector, cpus[shorthand])

    def _to_self(self, first: int, vector: int, route: Route) -> Sends:
        return _one(first, route, vector, np.array([self.source]))

    def _addressed(self, first: int, low: int, vector: int, destinations: Cpus) -> Sends:
        if low & APIC_DEST_LOGICAL:
            route, (op_of_hit, ids) = Route.LOGICAL, self._logical(destinations)
        else:
            route, op_of_hit, ids = (
                Route.PHYSICAL,
                np.arange(len(destinations)),
                destinations,
            )
        cpus, known = self._look_up(ids)
        if known is not None:
            op_of_hit = op_of_hit[known]
        return Sends(
            first=first,
            ops=len(destinations),
            route=route,
            vector=vector,
            cpus=cpus,
            op_of_hit=op_of_hit if len(destinations) > 1 else None,
        )

    def _logical(self, destinations: Cpus) -> tuple[Cpus, Cpus]:
        """(op, APIC ID) of each logical destination bit."""
        members = destinations.astype("<u2").view(np.uint8)
        place = np.unpackbits(members, bitorder="little").nonzero()[0]
        op, bit = place >> 4, place & 0xF
        if self._x2apic:
            return op, (destinations >> 16 << 4).take(op) + bit
        known = bit < len(self._everyone)  # flat: bit i is CPU i
        return op[known], np.array(self.guest.apic_ids, np.int64)[bit[known]]

    def _hypercalls(self, first: int, run: tuple[Hypercall, ...]) -> list[Sends]:
        return [self._one_hypercall(first + i, op) for i, op in enumerate(run)]

    def _kernel(self, first: int, run: tuple[KernelSend, ...]) -> list[Sends]:
        return [
            _one(first + i, Route.KERNEL, op.vector, np.array(op.cpus, np.int64))
            for i, op in enumerate(run)
        ]

    def _one_hypercall(self, first: int, op: Hypercall) -> Sends:
        call: Call = self._hypercall(op, self.guest, self._memory)
        if call.error is not None:
            return _fault(first, 1, call.error, call.result)
        cpus = call.cpus
        if cpus is None:
            assert call.apic_ids is not None  # noqa: S101 - a call names IDs or CPUs
            cpus, _ = self._look_up(call.apic_ids)
        elif len(cpus) and cpus[-1] >= len(self._everyone):
            cpus = cpus[cpus < len(self._everyone)]
        result = len(cpus) if call.result is None else call.result
        return _one(first, Route.HYPERCALL, call.vector, cpus, result)


_SENDING: Final[dict[type[Op], Callable[..., list[Sends]]]] = {
    WrMsr: Decoder._write_msr,
    MmioWrite: Decoder._write_mmio,
    WriteMem: Decoder._write_memory,
    Hypercall: Decoder._hypercalls,
    KernelSend: Decoder._kernel,
}


def _one(first: int, route: Route, vector: int, cpus: Cpus, result: int | None = None) -> Sends:
    return Sends(first=first, ops=1, route=route, vector=vector, cpus=cpus, result=result)


def _fault(first: int, ops: int, why: str, result: int | None = None) -> Sends:
    return Sends(
        first=first,
        ops=ops,
        route=Route.FAULT,
        vector=0,
        cpus=_NOBODY,
        result=result,
        error=why,
    )


def _look_up_table(
    apic_ids: tuple[int, ...],
) -> Callable[[Cpus], tuple[Cpus, npt.NDArray[np.bool_] | None]]:
    """A function from APIC IDs to (CPU numbers, mask of the IDs that exist or None)."""
    ids = np.array(apic_ids, np.int64)
    highest = int(ids.max())
    if highest >= _TABLE_IDS:
        return _searched(ids)
    table = np.full(highest + 1, -1, np.int64)
    table[ids] = np.arange(len(ids))
    full = len(ids) == len(table)

    def look_up(wanted: Cpus) -> tuple[Cpus, npt.NDArray[np.bool_] | None]:
        try:
            cpus = table.take(wanted)
        except IndexError:  # an ID beyond the highest
            inside = wanted <= highest
            cpus = np.where(inside, table.take(wanted, mode="clip"), -1)
        else:
            if full:
                return cpus, None
        known = cpus >= 0
        return cpus[known], known

    return look_up


def _searched(
    ids: Cpus,
) -> Callable[[Cpus], tuple[Cpus, npt.NDArray[np.bool_] | None]]:
    cpu_of = ids.argsort(kind="stable")
    ascending = ids[cpu_of]

    def look_up(wanted: Cpus) -> tuple[Cpus, npt.NDArray[np.bool_] | None]:
        place = ascending.searchsorted(wanted).clip(max=len(ascending) - 1)
        known = ascending[place] == wanted
        return cpu_of[place[known]], known

    return look_up
