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
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.decode_hypercall import HANDLERS, Call
from pvbench.ops import Hypercall, MmioWrite, Op, Program, WriteMem, WrMsr
from pvbench.topology import Guest
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
    NMI_VECTOR,
    SHORTHAND_MASK,
    X2APIC_BROADCAST,
    X2APIC_CLUSTER_CPUS,
    XAPIC_BROADCAST,
    x2apic_msr,
)

Cpus = npt.NDArray[np.int64]

_ICR_MSR: Final = x2apic_msr(APIC_ICR)
_SELF_MSR: Final = x2apic_msr(APIC_SELF_IPI)
_ICR_ADDRESS: Final = APIC_DEFAULT_PHYS_BASE + APIC_ICR
_ICR2_ADDRESS: Final = APIC_DEFAULT_PHYS_BASE + APIC_ICR2
_X2APIC_RESERVED: Final = 0xFFF3_2000  # bits 31:20, 17:16 and 13
_LOWEST_VECTOR: Final = 0x10
_TABLE_IDS: Final = 1 << 20  # up to here a table beats a search
_CLUSTER_BITS: Final = np.arange(X2APIC_CLUSTER_CPUS, dtype=np.int64)
_NOBODY: Final[Cpus] = np.empty(0, np.int64)


class Route(IntEnum):
    """How a hypervisor finds the targets of a send; costs hang on it."""

    PHYSICAL = 0  # one look-up
    LOGICAL = 1  # up to 16 candidates
    SELF = 2  # SELF IPI register, or the shorthand
    BROADCAST = 3  # "all", "all but self", broadcast ID: every vCPU is asked
    HYPERCALL = 4
    FAULT = 5  # reaches nobody: #GP, illegal vector, error return


@attrs.frozen(kw_only=True, eq=False)
class Sends:
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
        first = 0
        for kind, ops in groupby(program, type):
            run = list(ops)
            if decode := _SENDING.get(kind):
                found += decode(self, first, run)
            first += len(run)
        return found

    def _write_msr(self, first: int, run: list[WrMsr]) -> list[Sends]:
        found = []
        for (msr, low), ops in groupby(run, lambda op: (op.msr, op.value & 0xFFFF_FFFF)):
            values = [op.value for op in ops]
            found += self._same_msr(first, msr, low, values)
            first += len(values)
        return found

    def _same_msr(self, first: int, msr: int, low: int, values: list[int]) -> list[Sends]:
        if not self._x2apic:
            why = "an x2APIC register in xAPIC mode raises #GP"
            return [_fault(first, len(values), why)]
        if msr == _SELF_MSR:
            return [
                _one(first + i, Route.SELF, value & APIC_VECTOR_MASK, [self.source])
                for i, value in enumerate(values)
            ]
        if msr != _ICR_MSR:
            return [_fault(first, len(values), f"MSR {msr:#x} sends nothing")]
        if low & _X2APIC_RESERVED:
            return [_fault(first, len(values), f"ICR {low:#x} has reserved bits set: #GP")]
        return self._icr(first, low, [value >> 32 for value in values])

    def _write_mmio(self, first: int, run: list[MmioWrite]) -> list[Sends]:
        found = []
        for i, op in enumerate(run):
            if self._x2apic:
                found.append(_fault(first + i, 1, "the xAPIC page is off in x2APIC mode"))
            elif op.address == _ICR2_ADDRESS:
                self._icr2 = op.value >> 24
            elif op.address == _ICR_ADDRESS:
                found += self._icr(first + i, op.value, [self._icr2])
            else:
                found.append(_fault(first + i, 1, f"{op.address:#x} sends nothing"))
        return found

    def _write_memory(self, first: int, run: list[WriteMem]) -> list[Sends]:
        self._memory.update((op.address, op.words) for op in run)
        return []

    def _icr(self, first: int, low: int, destinations: list[int]) -> list[Sends]:
        mode = low & APIC_MODE_MASK
        vector = NMI_VECTOR if mode == APIC_DM_NMI else low & APIC_VECTOR_MASK
        count = len(destinations)
        if mode not in (APIC_DM_FIXED, APIC_DM_NMI):
            return [_fault(first, count, f"delivery mode {mode >> 8} is not decoded")]
        if mode == APIC_DM_FIXED and vector < _LOWEST_VECTOR:
            return [_fault(first, count, f"vector {vector:#x} is illegal to send")]
        if low & SHORTHAND_MASK:
            return [self._shorthand(first + i, low, vector) for i in range(count)]
        broadcast = X2APIC_BROADCAST if self._x2apic else XAPIC_BROADCAST
        if broadcast in destinations:
            return self._with_broadcasts(first, low, vector, destinations, broadcast)
        return [self._addressed(first, low, vector, destinations)]

    def _shorthand(self, first: int, low: int, vector: int) -> Sends:
        shorthand = low & SHORTHAND_MASK
        if shorthand == APIC_DEST_SELF:
            return _one(first, Route.SELF, vector, [self.source])
        cpus = {APIC_DEST_ALLINC: self._everyone, APIC_DEST_ALLBUT: self._others}
        return _one(first, Route.BROADCAST, vector, cpus[shorthand])

    def _with_broadcasts(
        self, first: int, low: int, vector: int, destinations: list[int], broadcast: int
    ) -> list[Sends]:
        return [
            _one(first + i, Route.BROADCAST, vector, self._everyone)
            if destination == broadcast
            else self._addressed(first + i, low, vector, [destination])
            for i, destination in enumerate(destinations)
        ]

    def _addressed(
        self, first: int, low: int, vector: int, destinations: list[int]
    ) -> Sends:
        wanted = np.array(destinations, np.int64)
        if low & APIC_DEST_LOGICAL:
            route, (op_of_hit, ids) = Route.LOGICAL, self._logical(wanted)
        else:
            route, op_of_hit, ids = Route.PHYSICAL, self._everyone[: len(wanted)], wanted
            if len(op_of_hit) < len(wanted):
                op_of_hit = np.arange(len(wanted))
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
        op, bit = (destinations[:, None] >> _CLUSTER_BITS & 1).nonzero()
        if not self._x2apic:  # flat: bit i is CPU i
            known = bit < len(self.guest.apic_ids)
            ids = np.array(self.guest.apic_ids, np.int64)[bit[known]]
            return op[known], ids
        return op, (destinations[op] >> 16) * X2APIC_CLUSTER_CPUS + bit

    def _hypercalls(self, first: int, run: list[Hypercall]) -> list[Sends]:
        return [self._one_hypercall(first + i, op) for i, op in enumerate(run)]

    def _one_hypercall(self, first: int, op: Hypercall) -> Sends:
        call: Call = self._hypercall(op, self.guest, self._memory)
        if call.error is not None:
            return attrs.evolve(_fault(first, 1, call.error), result=call.result)
        cpus = call.cpus
        if cpus is None:
            assert call.apic_ids is not None  # noqa: S101 - a call names IDs or CPUs
            cpus, _ = self._look_up(call.apic_ids)
        elif len(cpus) and cpus[-1] >= len(self._everyone):
            cpus = cpus[cpus < len(self._everyone)]
        result = len(cpus) if call.result is None else call.result
        send = _one(first, Route.HYPERCALL, call.vector, cpus)
        return attrs.evolve(send, result=result)


_SENDING: Final[dict[type[Op], Callable[..., list[Sends]]]] = {
    WrMsr: Decoder._write_msr,
    MmioWrite: Decoder._write_mmio,
    WriteMem: Decoder._write_memory,
    Hypercall: Decoder._hypercalls,
}


def _one(first: int, route: Route, vector: int, cpus: Any) -> Sends:
    return Sends(
        first=first, ops=1, route=route, vector=vector, cpus=np.asarray(cpus, np.int64)
    )


def _fault(first: int, ops: int, why: str) -> Sends:
    return Sends(
        first=first, ops=ops, route=Route.FAULT, vector=0, cpus=_NOBODY, error=why
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

    def look_up(wanted: Cpus) -> tuple[Cpus, npt.NDArray[np.bool_] | None]:
        if len(wanted) and wanted.max() <= highest:
            cpus = table.take(wanted)
            if cpus.min() >= 0:
                return cpus, None
        known = (wanted <= highest) & (table.take(wanted, mode="clip") >= 0)
        return table[wanted[known]], known

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
