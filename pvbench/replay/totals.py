"""The totals of one stack for a recording: counts, and the modelled time of its sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from pvbench.errors import PvbenchError
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.recording.sends import Sends
from pvbench.replay.sending import Machine, Time, times_of, why_unsupported
from pvbench.replay.work import Sending, Tally, Work, work_of
from pvbench.sender import Stack
from pvbench.text import counted

NOT_LINEAR: Final = "its sending time is not a function of its work on this machine"


@attrs.frozen(kw_only=True)
class Totals:
    """
    What one stack makes of all sends.  A stack that loses IPIs has no time.

    Args:
        why: why it cannot send them, or why it has no time; empty if it has one.
        exits: of the sending CPUs.
        lost: interrupts that are never sent.
        send_s: modelled time of all sends, in seconds; *rest_s* of those to several CPUs.
        assumed: the part of *send_s* that depends on assumed costs.
    """

    stack: Stack
    why: str = ""
    icr_writes: int | None = None
    hypercalls: int | None = None
    lost: int | None = None
    exits: int | None = None
    send_s: float | None = None
    rest_s: float | None = None
    assumed: float | None = None

    @property
    def rest_share(self) -> float | None:
        """The part of the sending time that sends to several CPUs take."""
        if self.send_s is None or self.rest_s is None:
            return None
        return self.rest_s / self.send_s if self.send_s else 0.0


def change_of_rest(totals: Totals, base: Totals) -> float | None:
    """By which part *totals* changes the time of the sends to several CPUs of *base*."""
    if totals.rest_s is None or base.rest_s is None:
        return None
    return (totals.rest_s - base.rest_s) / base.rest_s if base.rest_s else 0.0


@attrs.define
class Replayer:
    """
    Computes totals of one recording; the work of a stack is computed once for all machines.

    Args:
        progress: called with the number of masks counted.
    """

    progress: Callable[[int], None]
    works: dict[tuple[str, Guest, LinuxEra], dict[Work, Tally]] = attrs.field(factory=dict)

    def totals(
        self, stack: Stack, sends: Sends, guest: Guest, linux: LinuxEra, machine: Machine
    ) -> Totals:
        """
        The totals of *stack*.

        Raises:
            SenderError: it does not send what a burst asks for.
            PluginError: its code raises.
        """
        sending = Sending(stack, stack.guest(guest), linux)
        if why := sending.why_refused(sends):
            return Totals(stack=stack, why=why)
        works = self._works(sending, sends)
        counts = _counted(stack, works)
        if not works:
            return counts
        try:
            example = next(iter(works.values())).examples[0]()
            if why := why_unsupported(sending, machine, example):
                return Totals(stack=stack, why=why)
            times = times_of(works, sending, machine)
        except PvbenchError as error:
            return attrs.evolve(counts, why=str(error))
        if times is None:
            return attrs.evolve(counts, why=NOT_LINEAR)
        timed = _timed(counts, works, times, machine)
        return _without_time(timed, works) if timed.lost else timed

    def _works(self, sending: Sending, sends: Sends) -> dict[Work, Tally]:
        key = sending.stack.name, sending.guest, sending.linux
        if key not in self.works:
            self.works[key] = work_of(sends, sending, self.progress)
        return self.works[key]


def _counted(stack: Stack, works: Mapping[Work, Tally]) -> Totals:
    def total(name: str) -> int:
        return sum(getattr(work, name) * tally.count for work, tally in works.items())

    return Totals(
        stack=stack,
        icr_writes=total("icr_writes"),
        hypercalls=total("hypercalls"),
        lost=total("lost"),
    )


def _without_time(totals: Totals, works: Mapping[Work, Tally]) -> Totals:
    """The counts of *totals*: the time of a stack that loses IPIs is not comparable."""
    interrupts = sum(work.targets * tally.count for work, tally in works.items())
    why = f"it loses {totals.lost} of {counted(interrupts, 'IPI')}"
    return attrs.evolve(totals, why=why, send_s=None, rest_s=None, assumed=None)


def _timed(
    counts: Totals, works: Mapping[Work, Tally], times: Mapping[Work, Time], machine: Machine
) -> Totals:
    second = machine.description.clock.ticks_per_second or 1
    ticks = {work: times[work].ticks * tally.count for work, tally in works.items()}
    total = sum(ticks.values())
    assumed = sum(times[work].assumed * tally.count for work, tally in works.items())
    return attrs.evolve(
        counts,
        send_s=total / second,
        rest_s=sum(part for work, part in ticks.items() if not work.is_unicast) / second,
        assumed=assumed / total if total else 0.0,
        exits=round(sum(times[work].exits * tally.count for work, tally in works.items())),
    )
