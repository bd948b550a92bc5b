"""Shares of a recording, with the interval of a share of few sends."""

from __future__ import annotations

from math import sqrt
from typing import Final

import attrs
import numpy as np

from pvbench.recording.bursts import Bursts
from pvbench.recording.recording import Recording, targets_of

_Z: Final = 1.959964  # of a 95 % interval
FEW: Final = 10_000  # sends of which a share is shown with its interval


@attrs.frozen
class Share:
    """A part of *whole* sends or interrupts."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """From 0 to 1."""
        return self.part / self.whole if self.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """
        The 95 % interval of Wilson, as if the sends were independent.

        Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
        Inference" (1927).
        """
        if not self.whole:
            return 0.0, 1.0
        part, square = self.value, _Z * _Z / self.whole
        middle = part + square / 2
        reach = _Z * sqrt(part * (1 - part) / self.whole + square / (4 * self.whole))
        low, high = (middle - reach) / (1 + square), (middle + reach) / (1 + square)
        return max(0.0, low), min(1.0, high)


def of_sends(recording: Recording) -> Share:
    """The sends to one target, of all sends."""
    return Share(recording.unicasts, recording.sent.total)


def of_interrupts(recording: Recording) -> Share:
    """The interrupts of sends to one target, of all interrupts."""
    return Share(recording.unicasts, recording.interrupts)


@attrs.frozen
class Size:
    """Sends with at least *low* and at most *high* targets, and their interrupts."""

    low: int
    high: int
    sends: int
    interrupts: int


def sizes(recording: Recording) -> list[Size]:
    """Sends by their number of targets: 1, 2 to 3, 4 to 7 and so on; all others apart."""
    targets = recording.sets.sizes[recording.sent.targets]
    counts = recording.sent.counts
    others = (len(recording.online) or recording.cpus) - 1
    rows, low = [], 1
    while low <= others or low <= targets.max(initial=0):
        high = min(2 * low - 1, others - 1) if low < others else max(low, others)
        here = (targets >= low) & (targets <= high)
        sends = int(counts[here].sum())
        if sends:
            rows.append(Size(low, high, sends, int((counts * targets)[here].sum())))
        low = high + 1
    return rows


@attrs.frozen
class Site:
    """The sends of one callsite."""

    name: str
    sends: int
    interrupts: int
    unicasts: int


def sites(recording: Recording) -> list[Site]:
    """The callsites, by their interrupts."""
    sent = recording.sent
    size, counts = recording.sets.sizes[sent.targets], sent.counts
    calls = len(recording.calls)
    sums = [
        np.bincount(sent.call, weights, minlength=calls)
        for weights in (counts, counts * size, counts * (size == 1))
    ]
    by_name: dict[str, list[int]] = {}
    for call, row in zip(recording.calls, np.stack(sums, axis=1).astype(np.int64), strict=True):
        total = by_name.setdefault(call.site, [0, 0, 0])
        by_name[call.site] = [a + int(b) for a, b in zip(total, row, strict=True)]
    rows = [Site(name, *numbers) for name, numbers in by_name.items() if numbers[0]]
    return sorted(rows, key=lambda row: (-row.interrupts, row.name))


@attrs.frozen
class Calls:
    """
    Function calls as they were wanted, or as they were sent.

    Args:
        bursts: wanted calls, or sends.
        targets: the CPUs that they name.
        to_all: bursts to all other CPUs.
    """

    bursts: int
    targets: int
    to_all: int


def wanted_and_sent(recording: Recording) -> tuple[Calls, Calls] | None:
    """The wanted calls and the sends for them; None if the recording has no wanted calls."""
    if not len(recording.wanted):
        return None
    called = np.array([call.kind != "reschedule" for call in recording.calls], np.bool_)
    sent = recording.sent
    rows = called[sent.call]
    of_calls = attrs.evolve(
        sent,
        time=sent.time[:0],
        source=sent.source[rows],
        targets=sent.targets[rows],
        call=sent.call[rows],
        count=sent.counts[rows],
    )
    return _calls(recording.wanted, recording), _calls(of_calls, recording)


def _calls(bursts: Bursts, recording: Recording) -> Calls:
    others = (len(recording.online) or recording.cpus) - 1
    is_all = recording.sets.sizes[bursts.targets] == others
    return Calls(
        bursts=bursts.total,
        targets=targets_of(bursts, recording.sets),
        to_all=int(bursts.counts[is_all].sum()),
    )
