"""
Masks: many sets of targets of one guest, to count what a sender executes for each of them.

A recording can have millions of distinct masks.  A sender that gives `Sender.mask_counts`
is counted for all of them at once; for another one the ops of each mask are computed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra

I64 = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
WORD: Final = 64  # CPUs in a word of a mask
_FAR: Final = 1 << 40  # from every APIC ID
_BITS: Final = np.array([number.bit_count() for number in range(1 << 8)], np.uint8)


@attrs.frozen(kw_only=True, eq=False)
class MaskCounts:
    """
    What one call of ``send_IPI_mask`` does, for each mask.

    Args:
        icr_writes: writes to the ICR.
        hypercalls: hypercalls that send.
        stores: writes to memory.
        lost: targets that are not reached.
    """

    icr_writes: I64
    hypercalls: I64
    stores: I64
    lost: I64


@attrs.frozen(eq=False, slots=False)
class Masks:
    """
    Masks of a guest with the kernel *linux*; none of them is empty.

    Args:
        words: bit *n* of word *w* of a row is CPU 64 *w* + *n*.
    """

    words: Words
    guest: Guest
    linux: LinuxEra

    def __len__(self) -> int:
        return len(self.words)

    def counts(
        self,
        *,
        icr_writes: I64 | int = 0,
        hypercalls: I64 | int = 0,
        stores: I64 | int = 0,
        lost: I64 | int = 0,
    ) -> MaskCounts:
        """The answer of a sender; a number holds for each mask."""
        columns = (icr_writes, hypercalls, stores, lost)
        full = [np.broadcast_to(np.asarray(one, np.int64), len(self)) for one in columns]
        return MaskCounts(icr_writes=full[0], hypercalls=full[1], stores=full[2], lost=full[3])

    @cached_property
    def sizes(self) -> I64:
        """The number of CPUs in each mask."""
        return bits_of(self.words)

    def members(self, cpus: Collection[int]) -> I64:
        """How many of *cpus* are in each mask."""
        return bits_of(self.words & self._mask(cpus))

    def groups(self, numbers: Sequence[int]) -> I64:
        """How many distinct numbers the CPUs of each mask have, if CPU *n* has number *n*."""
        cpus_of: dict[int, list[int]] = {}
        for cpu, number in enumerate(numbers):
            cpus_of.setdefault(number, []).append(cpu)
        groups = np.zeros(len(self), np.int64)
        for cpus in cpus_of.values():
            mask = self._mask(cpus)
            is_hit = np.zeros(len(self), np.bool_)
            for word in np.flatnonzero(mask):
                is_hit |= self.words[:, word] & mask[word] != 0
            groups += is_hit
        return groups

    def windows(self, width: int, *, bounded: bool) -> tuple[I64, I64]:
        """
        How many windows of *width* APIC IDs each mask takes, and how many IDs they lose.

        See `pvbench.kvm_overlay.sliding_windows`.  Without *bounded* an ID below a window
        that cannot slide is lost.
        """
        ids = self.guest.apic_ids
        if max(ids) - min(ids) < width:
            return np.ones(len(self), np.int64), np.zeros(len(self), np.int64)
        low = np.full(len(self), -_FAR)
        high = np.full(len(self), _FAR)
        windows, lost = (np.zeros(len(self), np.int64) for _ in range(2))
        for cpu, apic_id in enumerate(ids[: self.words.shape[1] * WORD]):
            is_member = self.words[:, cpu // WORD] >> np.uint64(cpu % WORD) & np.uint64(1) != 0
            is_below = low > apic_id
            slides = is_member & is_below & (high < apic_id + width)
            joins = low > apic_id - width
            if bounded:
                joins &= ~is_below
            starts = is_member & ~joins & ~slides
            lost += is_member & is_below & joins & ~slides
            windows += starts
            low[slides | starts] = apic_id
            np.copyto(high, apic_id, where=starts | is_member & (high < apic_id))
        return windows, lost

    def _mask(self, cpus: Collection[int]) -> Words:
        """One row with *cpus*."""
        mask = np.zeros(self.words.shape[1], np.uint64)
        for cpu in cpus:
            if cpu < len(mask) * WORD:
                mask[cpu // WORD] |= np.uint64(1 << cpu % WORD)
        return mask


def bits_of(words: Words) -> I64:
    """The number of bits in each row."""
    if hasattr(np, "bitwise_count"):  # from numpy 2.0 on
        counts = np.bitwise_count(words)
    else:
        counts = _BITS[np.ascontiguousarray(words).view(np.uint8)]
    if counts.shape[1] == 1:
        return counts[:, 0].astype(np.int64)
    bits: I64 = counts.sum(axis=1, dtype=np.int64)
    return bits
