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
from pvbench.recording.recording import Recording
from pvbench.replay import shares
from pvbench.replay.replayed import Replayed, Result
from pvbench.replay.shares import Share
from pvbench.report import replay_notes, replay_tables
from pvbench.text import counted, percent

_TOTALS: Final = ("sends", "interrupts", "unicast_share", "unicast_interrupt_share")
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
        yield Notes(lines=tuple(replay_notes.of_one(answer)))


def _of_several(answers: Sequence[Answer]) -> Iterator[Block]:
    for answer in answers:
        yield from _head(answer)
    replays = [answer for answer in answers if isinstance(answer, Replayed)]
    yield from replay_tables.of_several(replays)
    yield table_of_records(list(map(values, answers)), roles={}, name="recordings", shown=False)
    yield Notes(lines=(*replay_notes.of_several(replays),))


def _head(answer: Answer) -> Iterator[Block]:
    if isinstance(answer, Replayed):
        yield Heading(answer.name)
        yield from map(Paragraph, sentences(answer))
        return
    name, recording = answer
    yield Heading(name)
    yield Paragraph(
        f"Its totals are void: {replay_notes.losses(recording)}.  With --accept-losses they "
        "are totals of the events that are left."
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
    recording, base, main = replayed.recording, replayed.base, replayed.main
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
        "base": base.stack.name,
        "overlaid": main and main.overlaid.stack.name,
        "rest_share_of_sending": base.rest_share,
        "change_of_rest": main and main.change,
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
    share, costs = replayed.base.rest_share, replayed.question.machine.costs
    text = ""
    if share is not None:
        text = f" and, with costs {costs}, {percent(share)} of modelled sending time"
    elif replayed.base.why and not replayed.base.lost:
        text = f"; {replayed.base.stack.name} has no sending time, because {replayed.base.why}"
    if replayed.sent.of_sends.value == 1:
        return f"{text}: no send is to several CPUs, so PV IPI changes nothing"
    return f"{text}{_changed(replayed.main)}" if text and replayed.main else text


def _changed(main: Result) -> str:
    overlay = main.overlaid.stack.sender.name
    if main.overlaid.lost:
        return f"; {overlay} has no change, because {main.overlaid.why}"
    if main.change is None:
        return ""
    change = replay_tables.signed(main.change)
    meaning = {"-": " (less time)", "+": " (more time)"}.get(change[0], "")
    return f", of which {overlay} changes {change}{meaning}"


def sending_share(replayed: Replayed) -> float | None:
    """
    The greatest part of the recorded CPU time that modelled sending can be.

    None unless the times of the recording are real.
    """
    recording = replayed.recording
    native = [
        totals.send_s
        for totals in (*replayed.totals, replayed.base)
        if totals.stack.overlay is None and totals.send_s is not None
    ]
    if recording.times != "real" or recording.clock != "ns" or not recording.span or not native:
        return None
    cpus = len(recording.online) or recording.cpus
    return max(native) / (recording.span * 1e-9 * cpus)
