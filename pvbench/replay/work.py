"""
The work of a sender for a recording: what each distinct send makes it execute.

Most masks are counted by columns (`pvbench.sender.Sender.mask_counts`); the ops of the
other sends are computed and checked.  A few masks are checked by their ops as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Final

import attrs
import numpy as np

from pvbench.errors import SenderError
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.masks import I64, Masks
from pvbench.ops import Burst, WriteMem
from pvbench.plugin.guard import guarded, owner_of
from pvbench.recording.sends import MaskColumns, Sends
from pvbench.run.static_check import Expected, check, checked_reason
from pvbench.sender import Stack

_PIECE: Final = 1 << 16  # masks that are counted at once, so that they stay in a cache
_CHECKED: Final = 8  # masks of each sender whose ops are computed as well
_MOST_KEYS: Final = 1 << 18  # up to which counting beats sorting
_NUMBERS: Final = ("targets", "icr_writes", "hypercalls", "stores", "lost")
Example = Callable[[], Burst]


@attrs.frozen(kw_only=True)
class Work:
    """
    What one send makes a sender execute; equal work takes equal time.

    Args:
        operation: the function of Linux that is called.
        broadcast: it is to all other CPUs.
        targets: their number.
        icr_writes: see `pvbench.masks.MaskCounts`, as the others.
    """

    operation: str
    broadcast: bool
    targets: int
    icr_writes: int
    hypercalls: int
    stores: int
    lost: int

    @property
    def is_unicast(self) -> bool:
        """Whether it has one target."""
        return self.targets == 1

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """The numbers on which its time depends linearly."""
        return self.targets, self.icr_writes, self.hypercalls, self.stores


@attrs.define
class Tally:
    """
    Sends with equal work.

    Args:
        count: their number.
        examples: functions that give the bursts of two of them.
    """

    count: int = 0
    examples: list[Example] = attrs.field(factory=list)

    def add(self, count: int, *examples: Example) -> None:
        """Count further sends."""
        self.count += count
        self.examples = [*self.examples[:1], *examples][:2]


@attrs.frozen
class Sending:
    """A stack in a guest with a kernel."""

    stack: Stack
    guest: Guest
    linux: LinuxEra

    def why_refused(self, sends: Sends) -> str | None:
        """Why the stack cannot send all *sends*; None if it can."""
        sender = self.stack.sender
        bursts = [burst for burst, _ in sends.bursts]
        bursts += [masks.burst(0) for masks in sends.masks]
        with guarded(f"sender {sender.name}", lambda: owner_of(type(sender))):
            reasons = [self.stack.why_unsupported(self.guest, self.linux)]
            reasons += [sender.why_refused(burst, self.guest) for burst in bursts]
        return checked_reason(next((reason for reason in reasons if reason is not None), None))

    def expected(self, burst: Burst) -> Expected:
        """The checked ops of *burst*."""
        return check(self.stack, burst, self.guest, linux=self.linux)


def work_of(
    sends: Sends, sending: Sending, progress: Callable[[int], None]
) -> dict[Work, Tally]:
    """
    The work of a stack for all *sends*; *progress* is called with the number of masks counted.

    Raises:
        SenderError: the sender does not send what a burst asks for, or miscounts masks.
        PluginError: its code raises.
    """
    tallies: dict[Work, Tally] = {}
    for burst, count in sends.bursts:
        work = _work(burst, sending.expected(burst), broadcast=len(burst.targets) > 1)
        tallies.setdefault(work, Tally()).add(count, partial(_same, burst))
    for masks in sends.masks:
        _check_counts(masks, sending)
        for work, count, examples in _of_masks(masks, sending, progress):
            tallies.setdefault(work, Tally()).add(count, *examples)
    return tallies


def _same(burst: Burst) -> Burst:
    return burst


def _work(burst: Burst, expected: Expected, *, broadcast: bool = False) -> Work:
    return Work(
        operation=burst.operation,
        broadcast=broadcast,
        targets=len(expected.cpus) + len(expected.lost),
        icr_writes=expected.icr_writes,
        hypercalls=expected.hypercalls,
        stores=sum(isinstance(op, WriteMem) for op in expected.program),
        lost=len(expected.lost),
    )


def _of_masks(
    masks: MaskColumns, sending: Sending, progress: Callable[[int], None]
) -> Iterator[tuple[Work, int, list[Example]]]:
    """The work of each stretch of *masks*, how often it was sent, and examples of it."""
    operation = masks.burst(0).operation
    for start in range(0, len(masks), _PIECE):
        piece = slice(start, start + _PIECE)
        columns, counts = _columns(masks, piece, sending), masks.counts[piece]
        for row, count, places in _groups(columns, counts):
            numbers = dict(zip(_NUMBERS, row, strict=True))
            yield (
                Work(operation=operation, broadcast=False, **numbers),
                count,
                [partial(masks.burst, start + place) for place in places],
            )
        progress(start + len(counts))


def _columns(masks: MaskColumns, piece: slice, sending: Sending) -> I64:
    """The numbers of the work of each mask in *piece*, a row for each of _NUMBERS."""
    part = Masks(masks.words[piece], sending.guest, sending.linux)
    sender = sending.stack.sender_of("send_IPI_mask")
    with guarded(f"mask_counts() of sender {sender.name}", lambda: owner_of(type(sender))):
        counts = sender.mask_counts(part)
        if counts is not None:
            given = (counts.icr_writes, counts.hypercalls, counts.stores, counts.lost)
            columns = np.stack([part.sizes, *given]).astype(np.int64)
            if columns.min() < 0:
                raise ValueError("a count is negative")
            return columns
    places = range(*piece.indices(len(masks)))
    return np.array([_numbers(masks, place, sending) for place in places], np.int64).T


def _numbers(masks: MaskColumns, place: int, sending: Sending) -> list[int]:
    """The same of one mask, by its ops."""
    burst = masks.burst(place)
    work = _work(burst, sending.expected(burst))
    return [getattr(work, name) for name in _NUMBERS]


def _groups(columns: I64, counts: I64) -> Iterator[tuple[list[int], int, list[int]]]:
    """The distinct numbers, the sum of their *counts*, and the first and last place of each."""
    key, number = _numbered(columns)
    sums = np.bincount(key, counts, minlength=number).astype(np.int64)
    places = np.arange(len(counts))
    first, last = np.zeros(number, np.int64), np.zeros(number, np.int64)
    first[key[::-1]] = places[::-1]
    last[key] = places
    for group in np.flatnonzero(sums).tolist():
        ends = {int(first[group]), int(last[group])}
        yield columns[:, first[group]].tolist(), int(sums[group]), sorted(ends)


def _numbered(columns: I64) -> tuple[I64, int]:
    """A key for each mask, which equal numbers share, and one more than the highest key."""
    bases = [int(top) + 1 for top in columns.max(axis=1)]
    number = prod(bases)
    if number <= _MOST_KEYS:
        key = columns[0].copy()
        for column, base in zip(columns[1:], bases[1:], strict=True):
            if base > 1:
                key *= base
                key += column
        return key, number
    distinct, place = np.unique(columns, axis=1, return_inverse=True)
    return place.ravel(), distinct.shape[1]


def _check_counts(masks: MaskColumns, sending: Sending) -> None:
    """
    Compare the counts of some masks with their ops.

    Raises:
        SenderError: they differ.
    """
    for place in sorted({*np.linspace(0, len(masks) - 1, _CHECKED, dtype=int).tolist()}):
        counted = _columns(masks, slice(place, place + 1), sending)[:, 0].tolist()
        if counted != (by_ops := _numbers(masks, place, sending)):
            sender = sending.stack.sender_of("send_IPI_mask")
            raise SenderError(
                f"mask_counts() of sender {sender.name} does not agree with its ops",
                why=f"for {masks.burst(place).targets} it gives {counted}, not {by_ops}",
            )
