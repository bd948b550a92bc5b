"""
The distinct sends of a recording, each with its count.

What a sender executes depends on the function of Linux and the targets.  A recording has
few distinct sends to one CPU or to all others, for which the ops are computed.  Its other
masks can be many, and stay columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.masks import I64, WORD, Words
from pvbench.ops import Burst
from pvbench.recording.bursts import Bursts
from pvbench.recording.recording import Recording
from pvbench.recording.sets import CpuSets
from pvbench.x86.apic import RESCHEDULE_VECTOR

Flags = npt.NDArray[np.bool_]
_CALLED: Final = 1  # of a key: the send of a function call, not of a reschedule
_PIECE: Final = 1 << 18  # rows that are looked at once
_OWN: Final = 2  # the sending CPU is a target


@attrs.frozen(kw_only=True, eq=False)
class MaskColumns:
    """
    Distinct masks of several CPUs, but not all others.

    Args:
        called: they are sent for function calls, so Linux queues a call for each target.
        words: see `pvbench.masks.Masks`.
        counts: how often each was sent.
        sources: a CPU that sent it.
    """

    called: bool
    words: Words
    counts: I64
    sources: I64

    def __len__(self) -> int:
        return len(self.counts)

    def burst(self, place: int) -> Burst:
        """The burst of one mask."""
        targets = CpuSets(self.words[place : place + 1]).members(0)
        return burst_of(int(self.sources[place]), targets, called=self.called)


@attrs.frozen(kw_only=True, eq=False)
class Sends:
    """
    The distinct sends of a recording.

    Args:
        bursts: those to one CPU or to all others, with their counts.
        masks: the others.
    """

    bursts: tuple[tuple[Burst, int], ...]
    masks: tuple[MaskColumns, ...]


def burst_of(source: int, targets: tuple[int, ...], *, called: bool) -> Burst:
    """The burst of a send, as Linux dispatches it."""
    one = len(targets) == 1
    if called:
        operation = "smp_call_function_single" if one else "smp_call_function_many"
        return Burst(source=source, operation=operation, targets=targets)
    operation = "send_IPI" if one else "send_IPI_mask"
    return Burst(source=source, operation=operation, targets=targets, vector=RESCHEDULE_VECTOR)


def sends_of(recording: Recording, guest: Guest) -> Sends:
    """
    The distinct sends of *recording* in *guest*.

    Raises:
        UsageError: a CPU that takes part is offline.
    """
    table = _wide_enough(recording.sets.words, recording.cpus)
    keys, counts, sources = _distinct(recording, table)
    words, keys, counts, sources = _without_own(table, keys, counts, sources)
    _check_online(CpuSets(words), sources, guest)
    sizes, called = CpuSets(words).sizes, keys & _CALLED != 0
    is_alone = (sizes == 1) | called & (sizes == len(guest.online) - 1)
    return Sends(
        bursts=tuple(_alone(CpuSets(words), called, counts, sources, is_alone)),
        masks=tuple(
            MaskColumns(
                called=flag, words=words[rows], counts=counts[rows], sources=sources[rows]
            )
            for flag in (True, False)
            if (rows := ~is_alone & (called == flag)).any()
        ),
    )


def _wide_enough(words: Words, cpus: int) -> Words:
    """*words* with a bit for each of the CPUs."""
    missing = -(-cpus // WORD) - words.shape[1]
    return np.pad(words, ((0, 0), (0, missing))) if missing > 0 else words


def _distinct(recording: Recording, table: Words) -> tuple[I64, I64, I64]:
    """Keys of the distinct sends (set and flags), their counts, and a source of each."""
    sent: Bursts = recording.sent
    key = _keys(recording, table)
    size = len(table) * 4
    if len(sent.count):
        counts = np.bincount(key, sent.count, minlength=size).astype(np.int64)
    else:
        counts = np.bincount(key, minlength=size)
    sources = np.zeros(size, np.uint16)
    sources[key] = sent.source
    keys = np.flatnonzero(counts)
    return _split_own(sent, key, keys, counts[keys], sources[keys].astype(np.int64))


def _keys(recording: Recording, table: Words) -> I64:
    """The key of each send, in pieces that bound the memory."""
    sent = recording.sent
    called = [call.kind != "reschedule" for call in recording.calls]
    flags = np.array(called, np.int64) * _CALLED
    keys = np.empty(len(sent), np.int64)
    for start in range(0, len(sent), _PIECE):
        piece = slice(start, start + _PIECE)
        targets, source = sent.targets[piece], sent.source[piece]
        bit = (source % WORD).astype(np.uint64)
        own = table[targets, source // WORD] >> bit & np.uint64(1)
        keys[piece] = targets.astype(np.int64) * 4 + flags[sent.call[piece]]
        keys[piece] += own.astype(np.int64) * _OWN
    return keys


def _split_own(
    sent: Bursts, key: I64, keys: I64, counts: I64, sources: I64
) -> tuple[I64, I64, I64]:
    """Keep calls with the sending CPU among the targets apart by their source."""
    own = _CALLED | _OWN
    rest = keys & own != own
    if rest.all():
        return keys, counts, sources
    rows = np.flatnonzero(key & own == own)
    pairs = key[rows] << 16 | sent.source[rows].astype(np.int64)
    distinct, place = np.unique(pairs, return_inverse=True)
    weights = sent.counts[rows]
    split = np.bincount(place, weights).astype(np.int64)
    return (
        np.concatenate([keys[rest], distinct >> 16]),
        np.concatenate([counts[rest], split]),
        np.concatenate([sources[rest], distinct & 0xFFFF]),
    )


def _without_own(
    table: Words, keys: I64, counts: I64, sources: I64
) -> tuple[Words, I64, I64, I64]:
    """
    The masks of *keys*; a function call interrupts no sending CPU, so its bit is cleared.

    A call to the own CPU alone sends nothing and is left out.
    """
    words = table[keys // 4]
    rows = np.flatnonzero(keys & (_CALLED | _OWN) == _CALLED | _OWN)
    cpu = sources[rows]
    words[rows, cpu // WORD] &= ~(np.uint64(1) << (cpu % WORD).astype(np.uint64))
    keep = words.any(axis=1)
    return words[keep], keys[keep], counts[keep], sources[keep]


def _check_online(table: CpuSets, sources: I64, guest: Guest) -> None:
    used = {*table.used(), *np.unique(sources).tolist()}
    if asleep := sorted(used.difference(guest.online)):
        raise UsageError(
            f"CPU {asleep[0]} takes part in the recording and is offline in the guest",
            fix="Name another guest.",
        )


def _alone(
    table: CpuSets, called: Flags, counts: I64, sources: I64, is_alone: Flags
) -> Iterator[tuple[Burst, int]]:
    for row in np.flatnonzero(is_alone).tolist():
        targets = table.members(row)
        burst = burst_of(int(sources[row]), targets, called=bool(called[row]))
        yield burst, int(counts[row])
