"""
The decoder: which CPUs each op of a program interrupts, as a hypervisor would decide.

Its input is MSR and MMIO addresses, ICR words, hypercall numbers and registers, and
memory; it does not know the burst.  `explain`, the static check, the model and the proof
of a real delivery all use it.

Source: Linux, arch/x86/kvm/lapic.c and xen.c; Intel SDM vol. 3,
"Advanced Programmable Interrupt Controller (APIC)".
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Final

import numpy as np

from pvbench.decode.apic_ids import Cpus, look_up_table
from pvbench.decode.calls import Call, Registers
from pvbench.decode.era import Era
from pvbench.decode.hypercalls import HANDLERS
from pvbench.decode.logical import hashed, members
from pvbench.decode.memory import Memory
from pvbench.decode.messages import message_of
from pvbench.decode.sends import Route, Sends, fault, one
from pvbench.guest import Guest
from pvbench.ops import Hypercall, KernelSend, MmioWrite, Op, Program, WriteMem, WrMsr
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_DEST_ALLBUT,
    APIC_DEST_ALLINC,
    APIC_DEST_LOGICAL,
    APIC_DEST_SELF,
    APIC_DM_LOWEST,
    APIC_ICR,
    APIC_ICR2,
    APIC_MODE_MASK,
    APIC_SELF_IPI,
    APIC_VECTOR_MASK,
    FIRST_LEGAL_VECTOR,
    SHORTHAND_MASK,
    X2APIC_BROADCAST,
    XAPIC_BROADCAST,
    x2apic_msr,
)

_ICR_MSR: Final = x2apic_msr(APIC_ICR)
_SELF_MSR: Final = x2apic_msr(APIC_SELF_IPI)
ICR_ADDRESS: Final = APIC_DEFAULT_PHYS_BASE + APIC_ICR
ICR2_ADDRESS: Final = APIC_DEFAULT_PHYS_BASE + APIC_ICR2
_X2APIC_RESERVED: Final = 0xFFF3_2000  # bits 31:20, 17:16 and 13


class Decoder:
    """
    Decodes the programs that one CPU of a guest executes; ICR2 and memory persist.

    Args:
        source: number of the CPU.
        era: properties of the KVM; the default is that of a current kernel.
    """

    def __init__(self, guest: Guest, source: int, era: Era | None = None) -> None:
        self.guest, self.source, self._era = guest, source, era or Era()
        self._x2apic = guest.apic_mode == "x2apic"
        self._broadcast_id = X2APIC_BROADCAST if self._x2apic else XAPIC_BROADCAST
        self._all_cpus = np.arange(len(guest.apic_ids), dtype=np.int64)
        self._others = np.delete(self._all_cpus, source)
        self._hypercall = HANDLERS[guest.hypercall_abi]
        self._look_up = look_up_table(guest.apic_ids)
        self._icr2 = 0
        self._registers = Registers()

    def clear_memory(self) -> None:
        """Forget what programs have written to memory; registers stay as they are."""
        self._registers.memory = Memory()

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
            return [fault(first, len(high), why, raises=True)]
        if msr == _SELF_MSR:
            return self._self_ipi(first, low, high)
        if msr != _ICR_MSR:
            return [fault(first, len(high), f"writing MSR {msr:#x} sends no IPI")]
        if low & _X2APIC_RESERVED and self._era.x2apic_icr_reserved_bits_gp:
            why = f"ICR {low:#x} has reserved bits set: #GP"
            return [fault(first, len(high), why, raises=True)]
        return self._icr(first, low, high)

    def _self_ipi(self, first: int, value: int, high: Cpus) -> list[Sends]:
        """Decode writes to the SELF IPI register, which takes only a vector."""
        if value > APIC_VECTOR_MASK or (self._era.self_ipi_high_bits_gp and high.any()):
            why = f"SELF IPI {value:#x} has reserved bits set: #GP"
            return [fault(first, len(high), why, raises=True)]
        if value < FIRST_LEGAL_VECTOR:
            return [fault(first, len(high), f"vector {value:#x} is illegal to send")]
        route = Route.SELF_REGISTER
        return [self._to_self(first + i, value, route) for i in range(len(high))]

    def _write_mmio(self, first: int, run: tuple[MmioWrite, ...]) -> list[Sends]:
        sends = []
        for i, op in enumerate(run):
            if self._x2apic:
                sends.append(fault(first + i, 1, "the xAPIC page is off in x2APIC mode"))
            elif op.address == ICR2_ADDRESS:
                self._icr2 = op.value >> 24
            elif op.address == ICR_ADDRESS:
                sends += self._icr(first + i, op.value, np.array([self._icr2]))
            else:
                sends.append(fault(first + i, 1, f"writing {op.address:#x} sends no IPI"))
        return sends

    def _write_memory(self, first: int, run: tuple[WriteMem, ...]) -> list[Sends]:
        for op in run:
            self._registers.memory.write(op.address, op.words)
        return []

    def _icr(self, first: int, low: int, destinations: Cpus) -> list[Sends]:
        count = len(destinations)
        message = message_of(low)
        vector = message.vector
        if message.error:
            return [fault(first, count, message.error)]
        if low & APIC_MODE_MASK == APIC_DM_LOWEST:
            return [self._lowest(first + i, low, vector, destinations[i]) for i in range(count)]
        if low & SHORTHAND_MASK:
            return [self._shorthand(first + i, low, vector) for i in range(count)]
        broadcast = destinations == self._broadcast_id
        if not np.count_nonzero(broadcast):
            return [self._addressed(first, low, vector, destinations)]
        return [
            one(first + i, Route.BROADCAST, vector, self._all_cpus)
            if broadcast[i]
            else self._addressed(first + i, low, vector, destinations[i : i + 1])
            for i in range(count)
        ]

    def _lowest(self, first: int, low: int, vector: int, destination: int) -> Sends:
        """Decode a lowest-priority message; one to physical 0xff is made a fixed one."""
        shorthand = low & SHORTHAND_MASK
        logical = bool(low & APIC_DEST_LOGICAL)
        if shorthand == APIC_DEST_SELF:
            return self._to_self(first, vector, Route.SELF)
        if shorthand or destination == self._broadcast_id:
            cpus = self._others if shorthand == APIC_DEST_ALLBUT else self._all_cpus
            if (logical or destination != XAPIC_BROADCAST) and len(cpus):
                cpus = cpus[[vector % len(cpus)]]
            return one(first, Route.BROADCAST, vector, cpus)
        if logical:
            destination = hashed(int(destination), vector, self.guest)
        return self._addressed(first, low, vector, np.array([destination]))

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
            route, (op_of_hit, ids) = Route.LOGICAL, members(destinations, self.guest)
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

    def _hypercalls(self, first: int, run: tuple[Hypercall, ...]) -> list[Sends]:
        return [self._one_hypercall(first + i, op) for i, op in enumerate(run)]

    def _kernel(self, first: int, run: tuple[KernelSend, ...]) -> list[Sends]:
        return [
            one(first + i, Route.KERNEL, op.vector, np.array(op.cpus, np.int64))
            for i, op in enumerate(run)
        ]

    def _one_hypercall(self, first: int, op: Hypercall) -> Sends:
        call: Call = self._hypercall(op, self.guest, self._registers)
        cpus = call.cpus
        if call.apic_ids is not None:
            cpus, _ = self._look_up(call.apic_ids)
        elif cpus is None:
            cpus = self._all_cpus[:0]
        elif len(cpus) and cpus[-1] >= len(self._all_cpus):
            cpus = cpus[cpus < len(self._all_cpus)]
        result = len(cpus) if call.result is None else call.result
        if call.error is not None:
            return fault(first, 1, call.error, result)
        return one(first, Route.HYPERCALL, call.vector, cpus, result)


_SENDING: Final[dict[type[Op], Callable[..., list[Sends]]]] = {
    WrMsr: Decoder._write_msr,
    MmioWrite: Decoder._write_mmio,
    WriteMem: Decoder._write_memory,
    Hypercall: Decoder._hypercalls,
    KernelSend: Decoder._kernel,
}
