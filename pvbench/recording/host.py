"""
Operations from the events of a host: one for each ICR write and hypercall.

KVM reports one ICR write up to three times, as kvm_msr, kvm_apic and kvm_apic_ipi.

Source: Linux, arch/x86/kvm/trace.h and lapic.c.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import attrs
import numpy as np

from pvbench.recording.events import HostEvent
from pvbench.recording.operations import HYPERCALL, HYPERV, ICR, UNKNOWN, Operation, Operations
from pvbench.x86.apic import (
    APIC_DEST_ALLBUT,
    APIC_DEST_ALLINC,
    APIC_DEST_LOGICAL,
    APIC_DEST_SELF,
    APIC_DM_EXTINT,
    APIC_DM_FIXED,
    APIC_DM_INIT,
    APIC_DM_LOWEST,
    APIC_DM_NMI,
    APIC_DM_SMI,
    APIC_ICR,
    APIC_MODE_MASK,
    APIC_SELF_IPI,
    APIC_VECTOR_MASK,
    SHORTHAND_MASK,
    x2apic_msr,
)

Timed = tuple[int, int, str, HostEvent]

_IDENTITY: Final = APIC_VECTOR_MASK | APIC_MODE_MASK | APIC_DEST_LOGICAL | SHORTHAND_MASK
_U32: Final = 0xFFFF_FFFF
_MODES: Final = {
    "Fixed": APIC_DM_FIXED,
    "LowPrio": APIC_DM_LOWEST,
    "SMI": APIC_DM_SMI,
    "NMI": APIC_DM_NMI,
    "INIT": APIC_DM_INIT,
    "SIPI": 0x600,
    "ExtINT": APIC_DM_EXTINT,
}
_SHORTHANDS: Final = {
    "dst": 0,
    "self": APIC_DEST_SELF,
    "all": APIC_DEST_ALLINC,
    "all-but-self": APIC_DEST_ALLBUT,
}
_HEX: Final = "([0-9a-f]{1,16})"
_IPI: Final = re.compile(
    rf"dst {_HEX} vec ([0-9]{{1,3}}) "
    r"\(([A-Za-z]+)\|(logical|physical)\|[^|]*\|[^|]*\|([a-z-]+)\).*"
)
_APIC: Final = re.compile(rf"apic_write (APIC_\w+) = 0x{_HEX}.*")
_MSR: Final = re.compile(rf"msr_write {_HEX} = 0x{_HEX}.*")
_CALL: Final = re.compile(f"nr 0x{_HEX} a0 0x{_HEX} a1 0x{_HEX} a2 0x{_HEX} +a3 0x{_HEX}.*")
_HYPERV: Final = re.compile(
    rf"vector {_HEX} (?:format {_HEX} valid_bank_mask|processor_mask) 0x{_HEX}.*"
)
_VCPU: Final = re.compile("vcpu ([0-9]{1,5})\\b.*")
_TASK: Final = re.compile("CPU ([0-9]{1,5})/KVM.*")
_ACCELERATED: Final = re.compile("avic|APIC_WRITE|apic_write", re.IGNORECASE)
MISSING: Final = "Sends that AVIC, APICv or IPI virtualization accelerates are missing"
POSSIBLY: Final = (
    "If the host has AVIC, APICv or IPI virtualization, accelerated sends are missing"
)


@attrs.define
class _Stream:
    """
    The events of one vCPU thread, or of one CPU where the trace has no threads.

    Args:
        vcpu: the virtual CPU that is known for it.
        icr2: the destination of the next write of the xAPIC's ICR.
        names: the events that have reported the last ICR write.
        low: its low word.
        exits: the exits since the last operation.
        burst: the number of the burst of the last operation, and its vector.
        undecided: the operations before the virtual CPU is known.
    """

    vcpu: int = UNKNOWN
    icr2: int = 0
    names: set[str] = attrs.field(factory=set)
    low: int = -1
    exits: int = 2
    burst: int = -1
    vector: int | None = None
    undecided: list[int] = attrs.field(factory=list)


@attrs.define
class _Collector:
    """The operations so far."""

    streams: dict[str, _Stream] = attrs.field(factory=dict)
    rows: list[list[int]] = attrs.field(factory=list)  # time, vCPU, operation, burst
    table: dict[Operation, int] = attrs.field(factory=dict)
    bursts: int = 0
    is_accelerated: bool = False
    has_exits: bool = False

    def add(self, event: Timed) -> None:
        """Take one event."""
        time, cpu, task, (name, fields) = event
        stream = self.streams.setdefault(task or str(cpu), _Stream())
        self._name(stream, _vcpu_of(task, fields))
        if name in ("kvm_exit", "kvm_entry", "kvm_avic_incomplete_ipi"):
            self._border(stream, name, fields)
        elif name in ("kvm_msr", "kvm_apic", "kvm_apic_ipi"):
            if icr := _icr(stream, name, fields):
                self._write(stream, time, name, icr)
        elif operation := _call(name, fields):
            stream.names = set()
            self._append(stream, time, operation)

    def _name(self, stream: _Stream, vcpu: int) -> None:
        """Note which virtual CPU a stream is; its earlier operations get it too."""
        if vcpu == UNKNOWN:
            return
        stream.vcpu = vcpu
        for row in stream.undecided:
            self.rows[row][1] = vcpu
        stream.undecided.clear()

    def _border(self, stream: _Stream, name: str, fields: str) -> None:
        stream.names = set()
        self.is_accelerated |= name.startswith("kvm_avic") or bool(_ACCELERATED.search(fields))
        if name == "kvm_exit":
            stream.exits += 1
            self.has_exits = True

    def _write(self, stream: _Stream, time: int, name: str, icr: tuple[int, int]) -> None:
        """An ICR write, unless another event has reported it already."""
        low, high = icr
        if stream.names and name not in stream.names and stream.low == low & _IDENTITY:
            stream.names.add(name)
            return
        stream.names, stream.low = {name}, low & _IDENTITY
        self._append(stream, time, Operation(ICR, (low, high)))

    def _append(self, stream: _Stream, time: int, operation: Operation) -> None:
        goes_on = stream.exits <= 1 and stream.vector == operation.vector is not None
        if not (goes_on and self.has_exits):
            stream.burst, self.bursts = self.bursts, self.bursts + 1
        stream.exits, stream.vector = 0, operation.vector
        if stream.vcpu == UNKNOWN:
            stream.undecided.append(len(self.rows))
        number = self.table.setdefault(operation, len(self.table))
        self.rows.append([time, stream.vcpu, number, stream.burst])


def operations_of(events: Iterable[Timed], *, has_times: bool) -> Operations:
    """The operations that the events of a host show."""
    collector = _Collector()
    for event in events:
        collector.add(event)
    rows = np.array(collector.rows, np.int64).reshape(-1, 4)
    return Operations(
        time=rows[:, 0] if has_times else np.zeros(0, np.int64),
        vcpu=rows[:, 1].astype(np.int32),
        operation=rows[:, 2].astype(np.uint32),
        burst=rows[:, 3].astype(np.uint32),
        table=tuple(collector.table),
        missing=MISSING if collector.is_accelerated else POSSIBLY,
    )


def _vcpu_of(task: str, fields: str) -> int:
    match = _TASK.search(task) or _VCPU.match(fields)
    return int(match[1]) if match else UNKNOWN


def _icr(stream: _Stream, name: str, fields: str) -> tuple[int, int] | None:
    """The low and the high word of the ICR that an event reports; None if it is no send."""
    if name == "kvm_apic_ipi":
        return _of_ipi(fields)
    if name == "kvm_msr":
        match = _MSR.fullmatch(fields)
        register = {
            x2apic_msr(APIC_ICR): "APIC_ICR",
            x2apic_msr(APIC_SELF_IPI): "APIC_SELF_IPI",
        }
        return (
            _of_value(stream, register.get(int(match[1], 16), ""), match[2]) if match else None
        )
    match = _APIC.fullmatch(fields)
    return _of_value(stream, match[1], match[2]) if match else None


def _of_ipi(fields: str) -> tuple[int, int] | None:
    match = _IPI.fullmatch(fields)
    if match is None:
        return None
    destination, vector, mode, kind, shorthand = match.groups()
    low = int(vector) & APIC_VECTOR_MASK | _MODES.get(mode, 0) | _SHORTHANDS.get(shorthand, 0)
    return low | (APIC_DEST_LOGICAL if kind == "logical" else 0), int(destination, 16) & _U32


def _of_value(stream: _Stream, register: str, digits: str) -> tuple[int, int] | None:
    value = int(digits, 16)
    if register == "APIC_ICR2":  # of the xAPIC: the destination of the next write
        stream.icr2 = value >> 24 & 0xFF
    if register == "APIC_SELF_IPI":
        return value & APIC_VECTOR_MASK | APIC_DEST_SELF, 0
    if register != "APIC_ICR":
        return None
    return value & _U32, value >> 32 or stream.icr2


def _call(name: str, fields: str) -> Operation | None:
    """The hypercall that an event reports; None if its fields cannot be read."""
    if name == "kvm_hypercall":
        match = _CALL.fullmatch(fields)
        return (
            Operation(HYPERCALL, tuple(int(part, 16) for part in match.groups()))
            if match
            else None
        )
    match = _HYPERV.fullmatch(fields)
    return Operation(HYPERV, (int(match[1], 16), int(match[3], 16))) if match else None


def counts(operations: Operations) -> Iterator[tuple[int, Operation, int]]:
    """How often each virtual CPU executed each operation."""
    pairs = zip(operations.vcpu.tolist(), operations.operation.tolist(), strict=True)
    for (vcpu, number), count in sorted(Counter(pairs).items()):
        yield vcpu, operations.table[number], count
