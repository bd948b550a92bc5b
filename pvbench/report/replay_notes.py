"""The notes of `pvbench replay`: what its numbers are, and why some are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pvbench.recording.recording import Recording, lost_by_cpu
from pvbench.replay import shares
from pvbench.replay.replayed import Replayed, Result
from pvbench.text import counted

_EMULATED: Final = (
    "emulated, {}: call sites and wanted CPUs are Linux's; sent masks, shares, coalescing and "
    "rates are the emulator's.  It is no performance data."
)


def losses(recording: Recording) -> str:
    """What is lost, by CPU."""
    known = [
        (f"CPU {cpu} lost" if cpu is not None else "it lost") + f" {counted(events, 'event')}"
        for cpu, events in lost_by_cpu(recording.losses).items()
        if events
    ]
    unknown = [loss.reason for loss in recording.losses if loss.events is None]
    return ", ".join([*known, *dict.fromkeys(unknown)])


def of_several(replays: Sequence[Replayed]) -> Iterator[str]:
    """What all have in common, then what is true of each."""
    yield from dict.fromkeys(note for replayed in replays for note in _common(replayed))
    emulated = [one for one in replays if one.recording.times == "emulated"]
    if emulated:
        names = ", ".join(f"{one.name} ({one.recording.sent.total} sends)" for one in emulated)
        yield f"Each of these recordings is {_EMULATED.format('which means')}"
        yield f"They are {names}."
    for replayed in replays:
        yield from (f"{replayed.name}: {note}" for note in _own(replayed))


def of_one(replayed: Replayed) -> Iterator[str]:
    """What is true of the one recording, and of the conditions that only it shows."""
    recording = replayed.recording
    yield from _common(replayed)
    if replayed.main and recording.sent.total:
        yield from _of_conditions(replayed.main, replayed.others)
    if recording.times == "emulated":
        yield f"The recording is {_EMULATED.format(counted(recording.sent.total, 'send'))}"
    yield from _own(replayed)


def _common(replayed: Replayed) -> Iterator[str]:
    if not replayed.recording.sent.total:
        return
    yield (
        "Sending time is modelled for each send alone, to "
        f"{replayed.question.machine.target_state} targets, from queueing the calls to the "
        "end of sending."
    )
    whys: dict[str, list[str]] = {}
    for totals in replayed.totals:
        if totals.why and not totals.lost:
            whys.setdefault(totals.why, []).append(totals.stack.name)
    yield from (f"{', '.join(stacks)}: {why}." for why, stacks in whys.items())
    if replayed.recording.sent.total < shares.FEW:
        yield "The interval takes the sends as independent, which bursts of them are not."


def _own(replayed: Replayed) -> Iterator[str]:
    recording = replayed.recording
    for totals in replayed.totals:
        if totals.lost:
            yield f"{totals.stack.name}: {totals.why}, so it has no sending time."
    if recording.losses:
        yield f"Events are missing: {losses(recording)}."
    if recording.times == "unknown":
        yield (
            "It is unknown whether the recording's times are real; "
            "give --cpuinfo with its trace."
        )
    if not recording.apic_ids and replayed.question.guest is None:
        yield (
            "The recording has no APIC IDs: CPU n has APIC ID n.  "
            "Give --guest, or --cpuinfo with its trace."
        )
    yield from recording.notes


def _of_conditions(main: Result, others: Sequence[Result]) -> Iterator[str]:
    """What the change is, and why conditions lack it."""
    yield f"The change is that of {main.overlaid.stack.name} from {main.base.stack.name}."
    for result in others:
        why = result.overlaid.why or result.base.why
        if why not in ("", main.overlaid.why, main.base.why):
            yield f"{result.axis} {result.value}: {why}."
