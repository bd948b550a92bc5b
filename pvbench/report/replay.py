"""The document of `pvbench replay`: what senders make of a recording, sentences first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pvbench.document import (
    Block,
    Document,
    Heading,
    Notes,
    Paragraph,
    facts,
    table_of_records,
)
from pvbench.recording.recording import Recording, lost_by_cpu
from pvbench.replay import shares
from pvbench.replay.replayed import Replayed
from pvbench.replay.shares import Share
from pvbench.report import replay_tables
from pvbench.text import counted, percent

_TOTALS: Final = ("sends", "interrupts", "unicast_share", "unicast_interrupt_share")
_EMULATED: Final = (
    "emulated, {}: call sites and wanted CPUs are Linux's; sent masks, shares, coalescing and "
    "rates are the emulator's.  It is no performance data."
)


Answer = Replayed | tuple[str, Recording]  # the name and the recording if it is void


def document(answers: Sequence[Answer]) -> Document:
    """The sentences of each recording; the tables of one, or one table of several."""
    if len(answers) == 1:
        return Document(_of_one(answers[0]))
    return Document(_of_several(answers))


def _of_one(answer: Answer) -> Iterator[Block]:
    yield facts(values(answer), shown=False)
    yield from _head(answer)
    if isinstance(answer, Replayed):
        yield from replay_tables.blocks(answer)
        yield Notes(lines=tuple(_notes(answer)))


def _of_several(answers: Sequence[Answer]) -> Iterator[Block]:
    for answer in answers:
        yield from _head(answer)
    replays = [answer for answer in answers if isinstance(answer, Replayed)]
    yield from replay_tables.of_several(replays)
    yield table_of_records(list(map(values, answers)), roles={}, name="recordings", shown=False)
    yield Notes(lines=(*_notes_of_several(replays),))


def _head(answer: Answer) -> Iterator[Block]:
    if isinstance(answer, Replayed):
        yield Heading(answer.name)
        yield from map(Paragraph, sentences(answer))
        return
    name, recording = answer
    yield Heading(name)
    yield Paragraph(
        f"Its totals are void: {losses(recording)}.  With --accept-losses they are totals of "
        "the events that are left."
    )


def values(answer: Answer) -> dict[str, Any]:
    """The values for programs; those of a void recording are null."""
    if isinstance(answer, Replayed):
        return _values(answer)
    name, recording = answer
    return {
        "name": name,
        "times": recording.times,
        "cpus": recording.cpus,
        "kernel": recording.kernel or None,
        **dict.fromkeys(_TOTALS),
        "lost_events": recording.lost_events,
        "void": True,
    }


def _values(replayed: Replayed) -> dict[str, Any]:
    recording, main = replayed.recording, replayed.main
    of_sends, of_interrupts = replayed.sent.of_sends, replayed.sent.of_interrupts
    return {
        "name": replayed.name,
        "times": recording.times,
        "cpus": recording.cpus,
        "kernel": recording.kernel or None,
        "sends": of_sends.whole,
        "interrupts": of_interrupts.whole,
        "unicast_share": of_sends.value,
        "unicast_share_interval": list(of_sends.interval),
        "unicast_interrupt_share": of_interrupts.value,
        "lost_events": recording.lost_events,
        "void": False,
        "costs": replayed.question.machine.costs,
        "target_state": replayed.question.machine.target_state,
        "linux": replayed.question.linux.name,
        "base": main.base.stack.name,
        "overlaid": main.overlaid.stack.name,
        "rest_share_of_sending": main.base.rest_share,
        "change_of_rest": main.change,
        "sending_share_of_cpu_time": sending_share(replayed),
    }


def sentences(replayed: Replayed) -> Iterator[str]:
    """The answer."""
    of_sends, of_interrupts = replayed.sent.of_sends, replayed.sent.of_interrupts
    if not of_sends.whole:
        yield "It has no sends."
        return
    yield (
        f"One-target sends are {_share_of(of_sends)} of {counted(of_sends.whole, 'send')} and "
        f"{percent(of_interrupts.value)} of all interrupts; PV IPI cannot change them. "
        f"The rest is {percent(1 - of_interrupts.value)} of interrupts{_of_sending(replayed)}."
    )
    share = sending_share(replayed)
    if share is not None:
        part = percent(share)
        yield (
            f"Sending is at most {part} of the CPU time recorded, so no sender can gain more "
            f"than {part} by cheaper sending; waiting and coalescing are not in this figure."
        )


def _share_of(share: Share) -> str:
    if share.whole >= shares.FEW:
        return percent(share.value)
    low, high = (100 * limit for limit in share.interval)
    return f"{percent(share.value)} (95 % interval {low:.3g} to {high:.3g} %)"


def _of_sending(replayed: Replayed) -> str:
    main, costs = replayed.main, replayed.question.machine.costs
    if main.base.rest_share is None:
        return ""
    text = f" and, with costs {costs}, {percent(main.base.rest_share)} of modelled sending time"
    overlay = main.overlaid.stack.sender.name
    if main.overlaid.lost:
        return f"{text}; {overlay} has no change, because {main.overlaid.why}"
    if main.change is None:
        return text
    return f"{text}, of which {overlay} changes {replay_tables.signed(main.change)}"


def sending_share(replayed: Replayed) -> float | None:
    """
    The greatest part of the recorded CPU time that modelled sending can be.

    None unless the times of the recording are real.
    """
    recording = replayed.recording
    native = [
        totals.send_s
        for totals in (*replayed.totals, replayed.main.base)
        if totals.stack.overlay is None and totals.send_s is not None
    ]
    if recording.times != "real" or recording.clock != "ns" or not recording.span or not native:
        return None
    cpus = len(recording.online) or recording.cpus
    return max(native) / (recording.span * 1e-9 * cpus)


def losses(recording: Recording) -> str:
    """What is lost, by CPU."""
    known = [
        (f"CPU {cpu} lost" if cpu is not None else "it lost") + f" {counted(events, 'event')}"
        for cpu, events in lost_by_cpu(recording.losses).items()
        if events
    ]
    unknown = [loss.reason for loss in recording.losses if loss.events is None]
    return ", ".join([*known, *dict.fromkeys(unknown)])


def _notes_of_several(replays: Sequence[Replayed]) -> Iterator[str]:
    """What all have in common, then what is true of each."""
    yield from dict.fromkeys(note for replayed in replays for note in _common(replayed))
    emulated = [one for one in replays if one.recording.times == "emulated"]
    if emulated:
        names = ", ".join(f"{one.name} ({one.recording.sent.total} sends)" for one in emulated)
        yield f"Each of these recordings is {_EMULATED.format('which means')}"
        yield f"They are {names}."
    for replayed in replays:
        yield from (f"{replayed.name}: {note}" for note in _own(replayed))


def _notes(replayed: Replayed) -> Iterator[str]:
    recording = replayed.recording
    yield from _common(replayed)
    if recording.times == "emulated":
        yield f"The recording is {_EMULATED.format(counted(recording.sent.total, 'send'))}"
    yield from _own(replayed)


def _common(replayed: Replayed) -> Iterator[str]:
    main, question = replayed.main, replayed.question
    yield (
        f"Sending time is modelled for each send alone, to {question.machine.target_state} "
        f"targets, from queueing the calls to the end of sending; the change is that of "
        f"{main.overlaid.stack.name} from {main.base.stack.name}."
    )
    yield from _reasons(replayed)
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
        yield "It is unknown whether the recording's times are real; give --cpuinfo."
    if not recording.apic_ids and replayed.question.guest is None:
        yield "The recording has no APIC IDs: CPU n has APIC ID n.  Give --cpuinfo or --guest."
    yield from recording.notes


def _reasons(replayed: Replayed) -> Iterator[str]:
    """Why senders or conditions lack numbers."""
    for totals in replayed.totals:
        if totals.why and not totals.lost:
            yield f"{totals.stack.name}: {totals.why}."
    main = replayed.main
    for result in replayed.others:
        why = result.overlaid.why or result.base.why
        if why not in ("", main.overlaid.why, main.base.why):
            yield f"{result.axis} {result.value}: {why}."
