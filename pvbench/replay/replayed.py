"""A replay: what senders make of a recording, and how sensitive that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs

from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.recording.recording import Recording
from pvbench.recording.sends import Sends, sends_of
from pvbench.replay.guests import guest_of
from pvbench.replay.sending import Machine
from pvbench.replay.shares import Sent, sent_of
from pvbench.replay.totals import Replayer, Totals, change_of_rest
from pvbench.sender import Stack


@attrs.frozen(kw_only=True)
class Question:
    """
    What a replay compares.

    Args:
        base: a native stack.
        overlaid: the stack whose change of sending time is named; None if no stack of
            *stacks* has an overlay.
        stacks: all stacks.
        guest: a topology instead of the recording's APIC IDs; None for these.
        linux: the kernel of the guest.
        machine: the modelled machine.
    """

    base: Stack
    overlaid: Stack | None
    stacks: tuple[Stack, ...]
    guest: str | None
    linux: LinuxEra
    machine: Machine


@attrs.frozen(kw_only=True)
class Variation:
    """
    Another condition.

    Args:
        axis: its kind, such as ``costs``.
        value: its value.
        guest: see `Question`; ``{}`` stands for the number of CPUs.
    """

    axis: str
    value: str
    guest: str | None
    linux: LinuxEra
    machine: Machine


@attrs.frozen(kw_only=True)
class Result:
    """The base and the overlaid stack under one condition."""

    axis: str
    value: str
    base: Totals
    overlaid: Totals

    @property
    def change(self) -> float | None:
        """By which part the overlay changes the time of the sends to several CPUs."""
        return change_of_rest(self.overlaid, self.base)


@attrs.frozen(kw_only=True)
class Replayed:
    """
    The totals of all stacks.

    Args:
        sent: the sends by their targets.
        base: the base under the condition that is asked for.
        main: the base and the overlaid stack under that condition; None without one.
        others: the same under other conditions.
    """

    name: str
    recording: Recording
    sent: Sent
    guest: Guest
    question: Question
    totals: tuple[Totals, ...]
    base: Totals
    main: Result | None
    others: tuple[Result, ...]


def replayed(
    name: str,
    recording: Recording,
    question: Question,
    variations: Sequence[Variation],
    progress: Callable[[int], None],
) -> Replayed:
    """
    Replay *recording*; *progress* is called with the number of masks counted.

    Raises:
        UsageError: the guest cannot have its CPUs.
        SenderError: a sender does not send what a burst asks for.
    """
    guest, replayer = guest_of(recording, question.guest), Replayer(progress)
    sends = sends_of(recording, guest)
    machine, linux = question.machine, question.linux

    def totals_of(stack: Stack) -> Totals:
        return replayer.totals(stack, sends, guest, linux, machine)

    base, main = totals_of(question.base), None
    if question.overlaid:
        main = Result(axis="", value="", base=base, overlaid=totals_of(question.overlaid))
        compared = question.base, question.overlaid
        others = tuple(_others(recording, compared, variations, replayer, sends))
    else:
        others = ()
    return Replayed(
        name=name,
        recording=recording,
        sent=sent_of(recording),
        guest=guest,
        question=question,
        totals=tuple(map(totals_of, question.stacks)),
        base=base,
        main=main,
        others=others,
    )


def _others(
    recording: Recording,
    compared: tuple[Stack, Stack],
    variations: Sequence[Variation],
    replayer: Replayer,
    sends: Sends,
) -> Iterator[Result]:
    for one in variations:
        guest = guest_of(recording, one.guest and one.guest.format(recording.cpus))
        base, overlaid = (
            replayer.totals(stack, sends, guest, one.linux, one.machine) for stack in compared
        )
        yield Result(axis=one.axis, value=one.value, base=base, overlaid=overlaid)
