"""
The decoder: which CPUs each op of a program interrupts, as a hypervisor would decide.

Its input is MSR and MMIO addresses, ICR words, hypercall numbers and registers, and
memory; it does not know the burst.  `explain`, the static check, the model and the proof
of a real delivery all use it.

Source: Linux, arch/x86/kvm/lapic.c, hyperv.c and xen.c; Intel SDM vol. 3,
"Advanced Programmable Interrupt Controller (APIC)".
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Final

import numpy as np

from pvbench.decode.apic_ids import Cpus, look_up_table
from pvbench.decode.hypercalls import HANDLERS, Call
from pvbench.decode.sends import Route, Sends, fault, one
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

_ICR_MSR: Final = x2apic_msr(APIC_ICR)
_SELF_MSR: Final = x2apic_msr(APIC_SELF_IPI)
_ICR_ADDRESS: Final = APIC_DEFAULT_PHYS_BASE + APIC_ICR
_ICR2_ADDRESS: Final = APIC_DEFAULT_PHYS_BASE + APIC_ICR2
_X2APIC_RESERVED: Final = 0xFFF3_2000  # bits 31:20, 17:16 and 13


class Decoder:
    """Decodes the programs that one CPU of a guest executes; ICR2 and memory persist."""

    def __init__(self, guest: Guest, source: int) -> None:
        self.guest, self.source = guest, source
        self._x2apic = guest.apic_mode == "x2apic"
        self._all_cpus = np.arange(len(guest.apic_ids), dtype=np.int64)
        self._others = np.delete(self._all_cpus, source)
        self._hypercall = HANDLERS[guest.hypercall_abi]
        self._look_up = look_up_table(guest.apic_ids)
        self._icr2 = 0
        self._memory: dict[int, tuple[int, ...]] = {}

    def sends(self, program: Program) -> list[Sends]:
        """Decode the ops of *program* that send interrupts, in program order."""
        sends: list[Sends] = []
        ops_read = 0
        for first, op in enumerate(program):
            kind = type(op)
            if first >= ops_read and kind in _SENDING:
                ops_read = first + 1
                while ops_read < len(program) and type(program[ops_read]) is kind:
                    ops_read += 1
                sends += _SENDING[kind](self, first, program[first:ops_read])
        return sends

    def _write_msr(self, first: int, run: tuple[WrMsr, ...]) -> list[Sends]:
        if len({op.msr for op in run}) == 1:
            values = np.array([op.value for op in run], "<u8")
            halves = values.view("<u4")
            low, high = halves[::2], halves[1::2]
            if not np.count_nonzero(low != low[0]):
                return self._same_msr(first, run[0].msr, int(low[0]), high.astype(np.int64))
        sends = []
        for _, group in groupby(run, lambda op: (op.msr, op.value & 0xFFFF_FFFF)):
            ops = tuple(group)
            sends += self._write_msr(first, ops)
            first += len(ops)
        return sends

    def _same_msr(self, first: int, msr: int, low: int, high: Cpus) -> list[Sends]:
        if not self._x2apic:
            why = "writing an x2APIC register in xAPIC mode raises #GP"
            return [fault(first, len(high), why)]
        if msr == _SELF_MSR:
            return self._self_ipi(first, low, high)
        if msr != _ICR_MSR:
            return [fault(first, len(high), f"writing MSR {msr:#x} sends no IPI")]
        if low & _X2APIC_RESERVED:
            return [fault(first, len(high), f"ICR {low:#x} has reserved bits set: #GP")]
        return self._icr(first, low, high)

    def _self_ipi(self, first: int, value: int, high: Cpus) -> list[Sends]:
        """Decode writes to the SELF IPI register, which takes only a vector."""
        if value > APIC_VECTOR_MASK or high.any():
            return [fault(first, len(high), f"SELF IPI {value:#x} has reserved bits set: #GP")]
        if value < FIRST_LEGAL_VECTOR:
            return [fault(first, len(high), f"vector {value:#x} is illegal to send")]
        route = Route.SELF_REGISTER
        return [self._to_self(first + i, value, route) for i in range(len(high))]

    def _write_mmio(self, first: int, run: tuple[MmioWrite, ...]) -> list[Sends]:
        sends = []
        for i, op in enumerate(run):
            if self._x2apic:
                sends.append(fault(first + i, 1, "the xAPIC page is off in x2APIC mode"))
            elif op.address == _ICR2_ADDRESS:
                self._icr2 = op.value >> 24
            elif op.address == _ICR_ADDRESS:
                sends += self._icr(first + i, op.value, np.array([self._icr2]))
            else:
                sends.append(fault(first + i, 1, f"writing {op.address:#x} sends no IPI"))
        return sends

    def _write_memory(self, first: int, run: tuple[WriteMem, ...]) -> list[Sends]:
        self._memory.update((op.address, op.words) for op in run)
        return []

    def _icr(self, first: int, low: int, destinations: Cpus) -> list[Sends]:
        mode = low & APIC_MODE_MASK
        vector = NMI_VECTOR if mode == APIC_DM_NMI else low & APIC_VECTOR_MASK
        count = len(destinations)
        if mode not in (APIC_DM_FIXED, APIC_DM_NMI):
            return [fault(first, count, f"delivery mode {mode >> 8} is not decoded")]
        if mode == APIC_DM_FIXED and vector < FIRST_LEGAL_VECTOR:
            return [fault(first, count, f"vector {vector:#x} is illegal to send")]
        if low & SHORTHAND_MASK:
            return [self._shorthand(first + i, low, vector) for i in range(count)]
        broadcast = destinations == (X2APIC_BROADCAST if self._x2apic else XAPIC_BROADCAST)
        if not np.count_nonzero(broadcast):
            return [self._addressed(first, low, vector, destinations)]
        return [
            one(first + i, Route.BROADCAST, vector, self._all_cpus)
            if broadcast[i]
            else self._addressed(first + i, low, vector, destinations[i : i + 1])
            for i in range(count)
        ]

    def _shorthand(self, first: int, low: int, vector: int) -> Sends:
        shorthand = low & SHORTHAND_MASK
        if shorthand == APIC_DEST_SELF:
            return self._to_self(first, vector, Route.SELF)
        cpus = {APIC_DEST_ALLINC: self._all_cpus, APIC_DEST_ALLBUT: self._others}
        return one(first, Route.BROADCAST, vector, cpus[shorthand])

    def _to_self(self, first: int, vector: int, route: Route) -> Sends:
        return one(first, route, vector, np.array([self.source]))

    def _addressed(self, first: int, low: int, vector: int, destinations: Cpus) -> Sends:
        if low & APIC_DEST_LOGICAL:
            route, (op_of_hit, ids) = Route.LOGICAL, self._logical(destinations)
        else:
            route, op_of_hit, ids = (
                Route.PHYSICAL,
                np.arange(len(destinations)),
                destinations,
            )
        cpus, exist = self._look_up(ids)
        if exist is not None:
            op_of_hit = op_of_hit[exist]
        return Sends(
            first=first,
            ops=len(destinations),
            route=route,
            vector=vector,
            cpus=cpus,
            op_of_hit=op_of_hit if len(destinations) > 1 else None,
        )

    def _logical(self, destinations: Cpus) -> tuple[Cpus, Cpus]:
        """Return the op and the APIC ID of each logical destination bit."""
        members = destinations.astype("<u2").view(np.uint8)
        positions = np.unpackbits(members, bitorder="little").nonzero()[0]
        op, bit = positions >> 4, positions & 0xF
        if self._x2apic:
            return op, (destinations >> 16 << 4).take(op) + bit
        exist = bit < len(self._all_cpus)  # in flat mode bit i is CPU i
        return op[exist], np.array(self.guest.apic_ids, np.int64)[bit[exist]]

    def _hypercalls(self, first: int, run: tuple[Hypercall, ...]) -> list[Sends]:
        return [self._one_hypercall(first + i, op) for i, op in enumerate(run)]

    def _kernel(self, first: int, run: tuple[KernelSend, ...]) -> list[Sends]:
        return [
            one(first + i, Route.KERNEL, op.vector, np.array(op.cpus, np.int64))
            for i, op in enumerate(run)
        ]

    def _one_hypercall(self, first: int, op: Hypercall) -> Sends:
        call: Call = self._hypercall(op, self.guest, self._memory)
        if call.error is not None:
            return fault(first, 1, call.error, call.result)
        cpus = call.cpus
        if cpus is None:
            assert call.apic_ids is not None  # noqa: S101 - a call has APIC IDs or CPUs
            cpus, _ = self._look_up(call.apic_ids)
        elif len(cpus) and cpus[-1] >= len(self._all_cpus):
            cpus = cpus[cpus < len(self._all_cpus)]
        result = len(cpus) if call.result is None else call.result
        return one(first, Route.HYPERCALL, call.vector, cpus, result)


_SENDING: Final[dict[type[Op], Callable[..., list[Sends]]]] = {
    WrMsr: Decoder._write_msr,
    MmioWrite: Decoder._write_mmio,
    WriteMem: Decoder._write_memory,
    Hypercall: Decoder._hypercalls,
    KernelSend: Decoder._kernel,
}
