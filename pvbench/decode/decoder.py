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

from pvbench.decode.apic_ids import Cpus
from pvbench.decode.calls import U32, Call, Registers
from pvbench.decode.destinations import Destinations
from pvbench.decode.era import Era
from pvbench.decode.hypercalls import HANDLERS
from pvbench.decode.memory import Memory
from pvbench.decode.messages import message_of
from pvbench.decode.sends import Route, Sends, fault, nothing, one, without_disabled
from pvbench.guest import Guest
from pvbench.ops import Hypercall, KernelSend, MmioWrite, Op, Program, WriteMem, WrMsr
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_ICR,
    APIC_ICR2,
    APIC_SELF_IPI,
    APIC_SPIV,
    APIC_SPIV_APIC_ENABLED,
    APIC_VECTOR_MASK,
    FIRST_LEGAL_VECTOR,
    NMI_VECTOR,
    x2apic_msr,
)
from pvbench.x86.kvm_para import KVM_HC_KICK_CPU, KVM_HC_SCHED_YIELD

_OTHER_HYPERCALLS: Final = (KVM_HC_KICK_CPU, KVM_HC_SCHED_YIELD)
_ICR_MSR: Final = x2apic_msr(APIC_ICR)
_SELF_MSR: Final = x2apic_msr(APIC_SELF_IPI)
ICR_ADDRESS: Final = APIC_DEFAULT_PHYS_BASE + APIC_ICR
ICR2_ADDRESS: Final = APIC_DEFAULT_PHYS_BASE + APIC_ICR2
_SPIV_ADDRESS: Final = APIC_DEFAULT_PHYS_BASE + APIC_SPIV
_SPIV_MSR: Final = x2apic_msr(APIC_SPIV)
_X2APIC_MSRS: Final = range(0x800, 0x900)
_X2APIC_RESERVED: Final = 0xFFF3_2000  # bits 31:20, 17:16 and 13


class Decoder:
    """
    Decodes the programs that one CPU of a guest executes; registers and memory persist.

    Args:
        source: number of the CPU.
        era: properties of the KVM; the default is that of a current kernel.

    Attributes:
        disabled: the CPUs whose APIC software has disabled.
    """

    def __init__(self, guest: Guest, source: int, era: Era | None = None) -> None:
        self.guest, self.source, self._era = guest, source, era or Era()
        self._x2apic = guest.apic_mode == "x2apic"
        self._destinations = Destinations(guest, source)
        self._hypercall = HANDLERS[guest.hypercall_abi]
        self._icr2 = 0
        self._offline = frozenset(guest.offline)
        self.disabled = self._offline
        self._registers = Registers()

    def begin(self, disabled: frozenset[int]) -> None:
        """Forget what programs have written to memory, and know the APICs that are disabled."""
        self._registers.memory = Memory()
        self.disabled = disabled | self._offline

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
        if msr not in _X2APIC_MSRS:
            return [nothing(first, len(high))]
        if not self._x2apic:
            why = "writing an x2APIC register in xAPIC mode raises #GP"
            return [fault(first, len(high), why, raises=True)]
        if msr == _SELF_MSR:
            return self._self_ipi(first, low, high)
        if msr == _SPIV_MSR and not high[-1]:
            self._write_spiv(low)
        if msr != _ICR_MSR:
            why = f"writing MSR {msr:#x} sends no IPI"
            return [nothing(first, len(high), error=why)]
        if low & _X2APIC_RESERVED and self._era.x2apic_icr_reserved_bits_gp:
            why = f"ICR {low:#x} has reserved bits set: #GP"
            return [fault(first, len(high), why, raises=True)]
        return self._icr(first, low, high)

    def _self_ipi(self, first: int, low: int, high: Cpus) -> list[Sends]:
        """Decode writes to the SELF IPI register, which takes only a vector."""
        return [self._one_self_ipi(first + i, low, int(bits)) for i, bits in enumerate(high)]

    def _one_self_ipi(self, first: int, low: int, high: int) -> Sends:
        if low > APIC_VECTOR_MASK or (high and self._era.self_ipi_high_bits_gp):
            why = f"SELF IPI {high << 32 | low:#x} has reserved bits set: #GP"
            return fault(first, 1, why, raises=True)
        if low < FIRST_LEGAL_VECTOR:
            return fault(first, 1, f"vector {low:#x} is illegal to send")
        return self._accepted([self._destinations.to_self(first, low, Route.SELF_REGISTER)])[0]

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
                if op.address == _SPIV_ADDRESS:
                    self._write_spiv(op.value)
                why = f"writing {op.address:#x} sends no IPI"
                sends.append(nothing(first + i, 1, error=why))
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
        return self._accepted(self._destinations.sends(first, low, vector, destinations))

    def _write_spiv(self, value: int) -> None:
        """Enable or disable the APIC of the source."""
        is_enabled = value & APIC_SPIV_APIC_ENABLED
        self.disabled = (
            self.disabled - {self.source} if is_enabled else self.disabled | {self.source}
        )

    def _accepted(self, sends: list[Sends]) -> list[Sends]:
        """*sends* without those that a disabled APIC drops."""
        if not self.disabled:
            return sends
        return [without_disabled(send, self.disabled, self.guest) for send in sends]

    def _hypercalls(self, first: int, run: tuple[Hypercall, ...]) -> list[Sends]:
        return [self._one_hypercall(first + i, op) for i, op in enumerate(run)]

    def _kernel(self, first: int, run: tuple[KernelSend, ...]) -> list[Sends]:
        return [
            one(first + i, Route.KERNEL, op.vector, np.array(op.cpus, np.int64))
            for i, op in enumerate(run)
        ]

    def _one_hypercall(self, first: int, op: Hypercall) -> Sends:
        if self.guest.hypercall_abi.startswith("kvm") and op.nr in _OTHER_HYPERCALLS:
            return nothing(first, 1, result=0)
        call: Call = self._hypercall(op, self.guest, self._registers)
        cpus, every = call.cpus, self._destinations.all_cpus
        if call.apic_ids is not None:
            cpus, _ = self._destinations.look_up(call.apic_ids)
        elif cpus is None:
            cpus = every[:0]
        elif len(cpus) and cpus[-1] >= len(every):
            cpus = cpus[cpus < len(every)]
        if self.disabled:
            ignoring = self._offline if call.vector == NMI_VECTOR else self.disabled
            cpus = cpus[~np.isin(cpus, list(ignoring))]
        result = len(cpus) if call.result is None else call.result
        if self.guest.bits == 32:
            result &= U32
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
