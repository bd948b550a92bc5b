"""Shares of a recording, with the interval of a share of few sends."""

from __future__ import annotations

from math import sqrt
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.masks import I64
from pvbench.recording.bursts import Bursts
from pvbench.recording.recording import Recording

_Z: Final = 1.959964  # of a 95 % interval
_PIECE: Final = 1 << 20  # rows that are counted at once, to bound the memory
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


@attrs.frozen(eq=False)
class Sent:
    """
    The sends of a recording by their targets.

    Args:
        sizes: the number of targets of each set.
        counts: how often each set was sent to.
    """

    sizes: I64
    counts: I64

    @property
    def of_sends(self) -> Share:
        """The sends to one target, of all sends."""
        return Share(self._unicasts, int(self.counts.sum()))

    @property
    def of_interrupts(self) -> Share:
        """The interrupts of sends to one target, of all interrupts."""
        return Share(self._unicasts, int((self.counts * self.sizes).sum()))

    @property
    def _unicasts(self) -> int:
        return int(self.counts[self.sizes == 1].sum())


def sent_of(recording: Recording) -> Sent:
    """The sends of *recording* by their targets."""
    sent, sets = recording.sent, recording.sets
    weights = sent.count if len(sent.count) else None
    counts = np.bincount(sent.targets, weights, minlength=len(sets)).astype(np.int64)
    return Sent(sets.sizes, counts)


@attrs.frozen
class Size:
    """Sends with at least *low* and at most *high* targets, and their interrupts."""

    low: int
    high: int
    sends: int
    interrupts: int


def sizes(sent: Sent, others: int) -> list[Size]:
    """Sends by their number of targets: 1, 2 to 3, 4 to 7 and so on; all *others* apart."""
    rows, low = [], 1
    highest = int(sent.sizes[sent.counts > 0].max(initial=0))
    while low <= highest:
        high = min(2 * low - 1, others - 1) if low < others else max(low, others)
        here = (sent.sizes >= low) & (sent.sizes <= high)
        if sends := int(sent.counts[here].sum()):
            interrupts = int((sent.counts * sent.sizes)[here].sum())
            rows.append(Size(low, high, sends, interrupts))
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
    by_name: dict[str, list[int]] = {}
    for call, row in zip(recording.calls, _by_call(recording).tolist(), strict=True):
        total = by_name.setdefault(call.site, [0, 0, 0])
        by_name[call.site] = [a + b for a, b in zip(total, row, strict=True)]
    rows = [Site(name, *numbers) for name, numbers in by_name.items() if numbers[0]]
    return sorted(rows, key=lambda row: (-row.interrupts, row.name))


def _by_call(recording: Recording) -> I64:
    """The sends, the interrupts and the unicasts of each call."""
    sent, calls = recording.sent, len(recording.calls)
    sums = np.zeros((calls, 3), np.int64)
    of_set = recording.sets.sizes
    for start in range(0, len(sent), _PIECE):
        rows = slice(start, start + _PIECE)
        size, call = of_set[sent.targets[rows]], sent.call[rows]
        counts = sent.count[rows] if len(sent.count) else np.ones(len(size), np.int64)
        for column, weights in enumerate((counts, counts * size, counts * (size == 1))):
            sums[:, column] += np.bincount(call, weights, minlength=calls).astype(np.int64)
    return sums


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


def wanted_and_sent(recording: Recording, others: int) -> tuple[Calls, Calls] | None:
    """The wanted calls and the sends for them; None if the recording has no wanted calls."""
    if not len(recording.wanted):
        return None
    called = np.array([call.kind != "reschedule" for call in recording.calls], np.bool_)
    rows = called[recording.sent.call]
    return (
        _calls(recording.wanted, slice(None), recording, others),
        _calls(recording.sent, rows, recording, others),
    )


def _calls(
    bursts: Bursts, rows: slice | npt.NDArray[np.bool_], recording: Recording, others: int
) -> Calls:
    sizes = recording.sets.sizes[bursts.targets[rows]]
    counts = bursts.count[rows] if len(bursts.count) else np.ones(len(sizes), np.int64)
    return Calls(
        bursts=int(counts.sum()),
        targets=int((counts * sizes).sum()),
        to_all=int(counts[sizes == others].sum()),
    )
