"""What `pvbench record` prints: the recording, its passes, or counts by receiving CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pvbench.document import Cell, Column, Document, Heading, Role, Table, table_of_records
from pvbench.recorder.effect import share_of
from pvbench.recorder.passes import Pass
from pvbench.recording.reconcile import Sum
from pvbench.recording.recording import Recording
from pvbench.report import imported

_PASSES: Final = ("with csd_queue_cpu", "without csd_queue_cpu")


def document(
    recording: Recording, passes: Sequence[Pass] = (), sums: Sequence[Sum] = ()
) -> Document:
    """
    The summary of a recording.

    Args:
        recording: the recording that is written.
        passes: the one with csd_queue_cpu, and the one without.
        sums: interrupts sent and received.
    """
    table = table_of_records(
        [_values(*pair) for pair in zip(_PASSES, passes, strict=False)],
        roles={},
        name="passes",
        shown=False,
    )
    return Document([*imported.document(recording, sums).blocks, table])


def _values(name: str, one: Pass) -> dict[str, Any]:
    return {
        "name": name,
        "seconds": one.seconds,
        "sends": one.recording.sent.total,
        "interrupts": one.recording.interrupts,
        "unicast_share": share_of(one),
        "lost_events": one.recording.lost_events,
    }


def receivers(received: Mapping[str, Mapping[int, int]], kernel: str) -> Document:
    """
    The interrupts that each CPU received, and their sums.

    Args:
        received: by kind of interrupt and CPU.
        kernel: the release of the kernel.
    """
    cpus = sorted({cpu for counts in received.values() for cpu in counts})
    values = [Column(name.replace(" ", "_"), name, Role.VALUE) for name in received]
    rows = [
        (Cell(str(cpu)), *(Cell(counts.get(cpu, 0)) for counts in received.values()))
        for cpu in cpus
    ]
    sums = (Cell("all"), *(Cell(sum(counts.values())) for counts in received.values()))
    table = Table(
        columns=(Column("cpu", "CPU"), *values),
        rows=(*rows, sums),
        name="receivers",
        is_matrix=True,
    )
    return Document([Heading(f"interrupts received, Linux {kernel}"), table])
