"""
Bursts (which CPU interrupts which others) and ops (what the guest executes for a burst).

A program is a tuple of ops; `to_rows` and `from_rows` convert it to JSON and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final, get_args

import attrs

from pvbench.guest import MAX_VCPUS
from pvbench.validators import integer, ints, one_of
from pvbench.x86.apic import (
    CALL_FUNCTION_SINGLE_VECTOR,
    CALL_FUNCTION_VECTOR,
    FIRST_EXTERNAL_VECTOR,
    NMI_VECTOR,
    RESCHEDULE_VECTOR,
)

U64: Final = (1 << 64) - 1
_U64_VALUE: Final = integer(0, U64, "a register has 64 bits")
_ADDRESS: Final = integer(0, U64, "an address has 64 bits")
_COUNT: Final = integer(0, 0xFFFF_FFFF, "it has 32 bits")

# Kernel entry points; the smp_call_* functions first queue an entry for each target.
CSD_OPERATIONS: Final = ("smp_call_function_single", "smp_call_function_many")
BARE_OPERATIONS: Final = (
    "send_IPI",
    "send_IPI_mask",
    "send_IPI_mask_allbutself",
    "send_IPI_allbutself",
    "send_IPI_all",
    "send_IPI_self",
)
_DEFAULT_VECTOR: Final = {
    "smp_call_function_single": CALL_FUNCTION_SINGLE_VECTOR,
    "send_IPI": RESCHEDULE_VECTOR,
}


def _ascending(cpus: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(islice(cpus, MAX_VCPUS + 1)))  # one more shows that it is too many


@attrs.frozen(kw_only=True)
class Burst:
    """
    One request of one source CPU to interrupt others.

    Args:
        source: CPU number of the sender.
        operation: the kernel function called, from CSD_OPERATIONS or
            BARE_OPERATIONS.
        targets: CPU numbers, ascending as in a cpumask; ignored by operations whose
            name implies the targets.
        vector: 0x20..0xff, or NMI_VECTOR for an NMI.
        wait: whether the source waits until every target has acknowledged.
        lock: whether the handler takes and releases one lock shared by all targets.
    """

    source: int
    operation: str = attrs.field(validator=one_of(*CSD_OPERATIONS, *BARE_OPERATIONS))
    targets: tuple[int, ...] = attrs.field(default=(), converter=_ascending)
    vector: int = attrs.field()
    wait: bool = True
    lock: bool = False

    @vector.default
    def _linux_vector(self) -> int:
        return _DEFAULT_VECTOR.get(self.operation, CALL_FUNCTION_VECTOR)

    @vector.validator
    def _check_vector(self, attribute: attrs.Attribute[int], vector: int) -> None:
        if vector == NMI_VECTOR and type(vector) is int:
            return
        integer(
            FIRST_EXTERNAL_VECTOR,
            0xFF,
            "vectors 0x00..0x1f are CPU exceptions (2 is NMI)",
        )(self, attribute, vector)

    @targets.validator
    def _check_targets(self, _: object, targets: tuple[int, ...]) -> None:
        if len(targets) > MAX_VCPUS:
            raise ValueError(f"Burst.targets has more than {MAX_VCPUS} CPUs, a guest's most")
        if len(set(targets)) != len(targets):
            raise ValueError("Burst.targets names a CPU twice, which a cpumask cannot")
        if self.operation in ("send_IPI", "smp_call_function_single") and len(targets) > 1:
            raise ValueError(f"Burst.targets has {len(targets)} CPUs, {self.operation} takes 1")

    @property
    def single_vector(self) -> int:
        """The vector that Linux sends when a function call has one target."""
        if self.protocol == "csd" and self.vector == CALL_FUNCTION_VECTOR:
            return CALL_FUNCTION_SINGLE_VECTOR
        return self.vector

    @property
    def protocol(self) -> str:
        """``csd`` (queue calls, then send to CPUs whose list was empty) or ``bare``."""
        return "csd" if self.operation in CSD_OPERATIONS else "bare"


def _registers(instance: object, attribute: attrs.Attribute[Any], values: Any) -> None:
    for value in values:
        _U64_VALUE(instance, attribute, value)


@attrs.frozen
class IrqSave:
    """local_irq_save()."""


@attrs.frozen
class IrqRestore:
    """local_irq_restore()."""


@attrs.frozen
class Fence:
    """mfence; lfence, needed because an x2APIC write does not order earlier stores."""


@attrs.frozen
class Scan:
    """Guest code that visits *cpus* CPUs of a mask; execution ``ops`` skips it."""

    cpus: int = attrs.field(validator=_COUNT)


@attrs.frozen
class WrMsr:
    """Write *value* (64 bits) to *msr*."""

    msr: int = attrs.field(validator=integer(0, 0xFFFF_FFFF, "ecx has 32 bits"))
    value: int = attrs.field(validator=integer(0, U64, "an MSR has 64 bits"))


@attrs.frozen
class MmioWrite:
    """Write *value* (32 bits) to a physical *address*."""

    address: int = attrs.field(validator=_ADDRESS)
    value: int = attrs.field(validator=integer(0, 0xFFFF_FFFF, "an xAPIC register has 32 bits"))


@attrs.frozen
class WriteMem:
    """Store little-endian 64-bit *words* at a guest physical *address*."""

    address: int = attrs.field(validator=_ADDRESS)
    words: tuple[int, ...] = attrs.field(converter=ints, validator=_registers)


@attrs.frozen
class WaitIcrIdle:
    """Poll the xAPIC's delivery status at most *limit* times; 0 means no limit."""

    limit: int = attrs.field(default=0, validator=_COUNT)


@attrs.frozen
class Hypercall:
    """
    One hypercall; *args* are the argument registers in ABI order.

    KVM: *nr* in rax, args in rbx, rcx, rdx, rsi.
    Hyper-V: *nr* is the control word in rcx, args in rdx, r8, then the halves of XMM0 to
    XMM5, lowest first; those that are not given become 0, unless none is.
    Xen: *nr* in rax, args in rdi, rsi.
    """

    nr: int = attrs.field(validator=_U64_VALUE)
    args: tuple[int, ...] = attrs.field(converter=ints, validator=_registers)


@attrs.frozen
class Cpuid:
    """Execute CPUID, which exits in a guest, with *leaf* in eax and *subleaf* in ecx."""

    leaf: int = attrs.field(validator=integer(0, 0xFFFF_FFFF, "eax has 32 bits"))
    subleaf: int = attrs.field(default=0, validator=integer(0, 0xFFFF_FFFF, "ecx has 32 bits"))


@attrs.frozen
class RdMsr:
    """Read *msr*."""

    msr: int = attrs.field(validator=integer(0, 0xFFFF_FFFF, "ecx has 32 bits"))


@attrs.frozen
class KernelSend:
    """The running kernel sends *vector* to *cpus* (CPU numbers) by any means it chooses."""

    vector: int = attrs.field(validator=integer(0, 0xFF, "a vector has 8 bits"))
    cpus: tuple[int, ...] = attrs.field(converter=ints, validator=_registers)


Op = (
    IrqSave
    | IrqRestore
    | Fence
    | Scan
    | WrMsr
    | MmioWrite
    | WriteMem
    | WaitIcrIdle
    | Hypercall
    | Cpuid
    | RdMsr
    | KernelSend
)
Program = tuple[Op, ...]

_TYPES: Final[dict[str, type[Op]]] = {cls.__name__: cls for cls in get_args(Op)}


def to_rows(program: Iterable[Op]) -> list[list[Any]]:
    """JSON form: ``[["WrMsr", 2096, 252], ...]``."""
    return [[type(op).__name__, *attrs.astuple(op, recurse=False)] for op in program]


def from_rows(rows: Sequence[Sequence[Any]]) -> Program:
    """Make a program from the rows of `to_rows`."""
    return tuple(_TYPES[row[0]](*row[1:]) for row in rows)


def to_dicts(program: Iterable[Op]) -> list[dict[str, Any]]:
    """Form for output: ``[{"op": "WrMsr", "msr": 2096, "value": 252}, ...]``."""
    return [{"op": type(op).__name__, **attrs.asdict(op)} for op in program]
