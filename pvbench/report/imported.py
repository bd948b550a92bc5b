"""What a recording has: sentences, the sums, the callsites and the losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from pvbench.document import (
    Block,
    Cell,
    Column,
    Document,
    Field,
    Heading,
    Notes,
    Role,
    facts,
    table_of,
)
from pvbench.recording import host
from pvbench.recording.operations import UNKNOWN, Operation
from pvbench.recording.reconcile import Sum
from pvbench.recording.recording import Recording, lost_by_cpu, targets_of
from pvbench.text import counted, percent, shortened_list

_MOST_ROWS: Final = 12  # of a table for people
Site = tuple[str, int, int]  # a callsite, its sends and their targets
Executed = tuple[int, Operation, int]

_SITES: Final = [
    Field[Site](Column("callsite", "callsite"), lambda s: Cell(s[0])),
    Field[Site](Column("sends", "sends", Role.VALUE), lambda s: Cell(s[1])),
    Field[Site](Column("interrupts", "interrupts", Role.VALUE), lambda s: Cell(s[2])),
]
_SUMS: Final = [
    Field[Sum](Column("name", "interrupts"), lambda s: Cell(s.name)),
    Field[Sum](Column("sent", "sent", Role.VALUE), lambda s: Cell(s.sent)),
    Field[Sum](Column("received", "received", Role.VALUE), lambda s: Cell(s.received)),
]
_EXECUTED: Final = [
    Field[Executed](
        Column("vcpu", "vCPU"), lambda e: Cell(e[0], "?" if e[0] == UNKNOWN else str(e[0]))
    ),
    Field[Executed](Column("operation", "operation"), lambda e: Cell(_name(e[1]))),
    Field[Executed](Column("vector", "vector", Role.VALUE), lambda e: Cell(e[1].vector)),
    Field[Executed](Column("destination", "destination"), lambda e: Cell(e[1].destination)),
    Field[Executed](Column("count", "count", Role.VALUE), lambda e: Cell(e[2])),
]
_NAMES: Final = {"icr": "ICR write", "hyperv": "hypercall of Hyper-V"}
_TIMES: Final = {
    "real": "Its times are those of hardware.",
    "emulated": "It was made on an emulated machine: call sites and wanted CPUs are Linux's; "
    "sent masks, shares, coalescing and rates are the emulator's.",
    "unknown": "Whether its times are those of hardware is unknown; --cpuinfo may tell.",
}


def document(recording: Recording, sums: Sequence[Sum] = ()) -> Document:
    """
    The summary of *recording*.

    Args:
        recording: made of traces.
        sums: interrupts sent and received.
    """
    return Document(
        [
            Heading(_heading(recording)),
            facts(_values(recording), shown=False),
            Notes(lines=_sentences(recording, sums), in_json=False),
            *_tables(recording, sums),
            Notes(lines=(*recording.notes, *_about_times(recording)), name="notes"),
        ]
    )


def _heading(recording: Recording) -> str:
    kernel = f" of Linux {recording.kernel}" if recording.kernel else ""
    cpus = "" if recording.is_host else f", {counted(recording.cpus, 'CPU')}"
    return f"{recording.producer} trace{kernel}{cpus}"


def _values(recording: Recording) -> dict[str, Any]:
    """The values for programs; one that the trace does not have is null."""
    is_told = not recording.is_void and not recording.is_host and recording.has_masks
    sends, interrupts = recording.sent.total, recording.interrupts
    return {
        "producer": recording.producer,
        "kernel": recording.kernel or None,
        "cpus": recording.cpus,
        "times": recording.times,
        "sends": None if recording.is_host else sends,
        "interrupts": None if recording.is_host else interrupts,
        "unicast_share": _share(recording.unicasts, sends) if is_told else None,
        "unicast_interrupt_share": _share(recording.unicasts, interrupts) if is_told else None,
        "wanted": recording.wanted.total if "csd_queue_cpu" in recording.events else None,
        "operations": len(recording.operations) if recording.is_host else None,
        "lost_events": recording.lost_events,
        "void": recording.is_void,
        "events": dict(recording.events),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _sentences(recording: Recording, sums: Sequence[Sum]) -> Iterator[str]:
    if recording.is_host:
        yield from _of_host(recording)
    else:
        yield from _of_sends(recording)
        yield from _of_sums(sums)
    yield from _of_losses(recording)


def _of_sends(recording: Recording) -> Iterator[str]:
    sends, interrupts, one = recording.sent.total, recording.interrupts, recording.unicasts
    head = f"It has {counted(sends, 'send')} and {counted(interrupts, 'interrupt')}"
    if not recording.has_masks:
        yield f"{head}.  The histogram counts sends to one CPU only, so it has no shares."
    elif recording.is_void or not sends:
        yield f"{head}."
    else:
        yield (
            f"{head}: {percent(one / sends)} of the sends have one target, and "
            f"{percent(1 - one / interrupts)} of the interrupts are in multicasts."
        )
    if wanted := recording.wanted.total:
        targets = targets_of(recording.wanted, recording.sets)
        yield (
            f"The kernel wanted {counted(wanted, 'call')} of {counted(targets, 'target')} "
            "before it coalesced them (csd_queue_cpu)."
        )


def _of_host(recording: Recording) -> Iterator[str]:
    operations = recording.operations
    sending = [one for one in _executed(recording) if one[1].sends]
    bursts = len({*operations.burst[_is_sending(recording)].tolist()})
    amount = counted(sum(one[2] for one in sending), "operation")
    yield (
        f"The host saw {amount} that can send IPIs, "
        f"{counted(bursts, 'burst')} (inferred).  An operation is no send: one send may be "
        "several, and the share of sends to one target is unknown."
    )
    yield f"{operations.missing}."


def _is_sending(recording: Recording) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    sends = np.array([one.sends for one in recording.operations.table], np.bool_)
    return sends[recording.operations.operation]


def _of_sums(sums: Sequence[Sum]) -> Iterator[str]:
    differing = [one for one in sums if one.differs]
    if sums and not differing:
        yield "The interrupts received account for all that were sent."
    for one in differing:
        cpus = shortened_list(map(str, one.cpus))
        where = f", on CPU {cpus}" if cpus else ""
        yield (
            f"{one.name} was sent {counted(one.sent, 'time')} and received "
            f"{counted(one.received, 'time')}{where}: the trace lacks events, or begins or "
            "ends between a send and its interrupt."
        )


def _of_losses(recording: Recording) -> Iterator[str]:
    if not recording.losses:
        return
    parts = [
        f"{events or 'an unknown number'}" + ("" if cpu is None else f" of CPU {cpu}")
        for cpu, events in sorted(
            lost_by_cpu(recording.losses).items(), key=lambda i: (i[0] is None, i[0] or 0)
        )
    ]
    yield f"Events are lost: {shortened_list(parts, _MOST_ROWS)}."
    yield from dict.fromkeys(
        f"It says: {loss.reason}." for loss in recording.losses if loss.cpu is None
    )
    if recording.is_void:
        yield "So the totals are void; --accept-losses accepts the losses."


def _about_times(recording: Recording) -> Iterator[str]:
    if recording.clock != "none" or recording.times == "emulated":
        yield _TIMES[recording.times]


def _tables(recording: Recording, sums: Sequence[Sum]) -> Iterator[Block]:
    if recording.is_host:
        yield table_of(_EXECUTED, _executed(recording), name="by_vcpu")
        return
    sites = _sites(recording)
    yield table_of(_SITES, sites[:_MOST_ROWS], name="callsites")
    if len(sites) > _MOST_ROWS:
        rest = len(sites) - _MOST_ROWS
        yield Notes(lines=(f"{counted(rest, 'callsite')} with fewer sends not shown.",))
    yield table_of(_SUMS, sums, name="sums", shown=bool(sums))


def _sites(recording: Recording) -> list[Site]:
    """The callsites, those with the most interrupts first."""
    sent, sizes = recording.sent, recording.sets.sizes
    sends: Counter[str] = Counter()
    targets: Counter[str] = Counter()
    for number, call in enumerate(recording.calls):
        place = sent.call == number
        if count := int(sent.counts[place].sum()):
            sends[call.site] += count
            targets[call.site] += int((sizes[sent.targets[place]] * sent.counts[place]).sum())
    return [(site, sends[site], count) for site, count in targets.most_common()]


def _executed(recording: Recording) -> list[Executed]:
    return list(host.counts(recording.operations))


def _name(operation: Operation) -> str:
    if operation.mechanism == "hypercall":
        return f"hypercall {operation.args[0]}"
    return _NAMES[operation.mechanism]
