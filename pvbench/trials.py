"""
Trials: raw programs for CPUs of a guest, without a burst, and what happens to them.

A delivery may be able to execute them, so that its hypervisor can be compared with the
decoder.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

import attrs

from pvbench.errors import ProtocolError
from pvbench.guest import MAX_VCPUS
from pvbench.ops import U64, MmioWrite, Op, Program, WrMsr
from pvbench.shapes import integer, items, one_line, optional, record
from pvbench.x86.apic import (
    APIC_DEFAULT_PHYS_BASE,
    APIC_SPIV,
    APIC_SPIV_APIC_ENABLED,
    x2apic_msr,
)

Programs = tuple[tuple[int, Program], ...]  # the number of a source CPU and its ops

_SPURIOUS_VECTOR: Final = 0xFF


def spiv_write(apic_mode: str, *, enabled: bool) -> WrMsr | MmioWrite:
    """The op by which software disables or enables its APIC."""
    value = _SPURIOUS_VECTOR | (APIC_SPIV_APIC_ENABLED if enabled else 0)
    if apic_mode == "x2apic":
        return WrMsr(x2apic_msr(APIC_SPIV), value)
    return MmioWrite(APIC_DEFAULT_PHYS_BASE + APIC_SPIV, value)


def only_disables(program: Program, apic_mode: str) -> bool:
    """Whether *program* disables the APIC of its CPU and does no more."""
    disabling: Op = spiv_write(apic_mode, enabled=False)
    return program == (disabling,)


def disabled_by(programs: Iterable[tuple[int, Program]], apic_mode: str) -> frozenset[int]:
    """The CPUs whose APIC is disabled before the other *programs* start."""
    return frozenset(cpu for cpu, program in programs if only_disables(program, apic_mode))


@attrs.frozen
class Ending:
    """
    The end of one program.

    Args:
        returned: the sum of the values that its hypercalls returned, modulo 2**64.
        fault_vector: of the first op that raised an exception; None if none did.
        fault_op: the number of that op; a `Scan` is not counted.
    """

    returned: int = 0
    fault_vector: int | None = None
    fault_op: int | None = None


@attrs.frozen
class Outcome:
    """
    What happened in a trial.

    Args:
        hits: how often a CPU handled a vector, by CPU and vector.
        endings: of the programs, in the order of the trial.
        lost: why the guest was lost; empty if it was not.
    """

    hits: dict[tuple[int, int], int] = attrs.field(factory=dict)
    endings: tuple[Ending, ...] = ()
    lost: str = ""


class ExecutingGuest(Protocol):
    """A booted guest that can also execute raw programs."""

    def execute(self, programs: Programs, target_state: str) -> Outcome:
        """
        Execute each program once, all together, and wait until all interrupts are handled.

        Programs that only disable an APIC are executed before the others, and these APICs
        are enabled again after them.
        The input pages are zero before.  Registers, such as ICR2, keep their values from
        earlier programs of the boot.

        Raises:
            PvbenchError: the guest is lost.
        """
        ...


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON data; `outcome_of` reads it."""
    return {
        "hits": [[cpu, vector, runs] for (cpu, vector), runs in sorted(outcome.hits.items())],
        "endings": [attrs.asdict(ending) for ending in outcome.endings],
        "lost": outcome.lost,
    }


CPU: Final = integer(0, MAX_VCPUS - 1)
VECTOR: Final = integer(0, 0xFF)
RESULT: Final = integer(0, U64)
_ROW: Final = items(lambda data: data)


def columns(data: Any, count: int) -> tuple[Any, ...]:
    """
    The columns of a row.

    Raises:
        ProtocolError: it is no list of *count* values.
    """
    row = _ROW(data)
    if len(row) != count:
        raise ProtocolError(f"a row has {len(row)} columns, not {count}")
    return row


def hits_of(data: Any) -> dict[tuple[int, int], int]:
    """The hits from rows of CPU, vector and runs."""
    rows = [columns(row, 3) for row in _ROW(data)]
    return {(CPU(cpu), VECTOR(vector)): integer(1)(runs) for cpu, vector, runs in rows}


outcome_of: Final = record(
    Outcome,
    hits=hits_of,
    endings=items(
        record(
            Ending,
            returned=RESULT,
            fault_vector=optional(VECTOR),
            fault_op=optional(integer()),
        )
    ),
    lost=one_line,
)
