"""Sets of CPUs in a table: one row of bits for each distinct set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.masks import WORD, Words, bits_of

MOST_CPUS: Final = 8192  # CONFIG_NR_CPUS of x86 goes no further
Indexes = npt.NDArray[np.intp]


@attrs.frozen(eq=False)
class CpuSets:
    """
    Sets of CPUs by their index.

    Args:
        words: bit *n* of word *w* of a row is CPU 64 *w* + *n*.
    """

    words: Words

    def __len__(self) -> int:
        return len(self.words)

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """The number of CPUs in each set."""
        return bits_of(self.words)

    def members(self, index: int) -> tuple[int, ...]:
        """The CPUs of one set, ascending."""
        return tuple(np.flatnonzero(self._bits(self.words[index])).tolist())

    def matrix(self, cpus: int) -> npt.NDArray[np.bool_]:
        """A row for each set, and a column for each of the CPUs 0 to *cpus* - 1."""
        bits = np.zeros((len(self), max(cpus, self.words.shape[1] * WORD)), np.bool_)
        bits[:, : self.words.shape[1] * WORD] = self._bits(self.words)
        return bits[:, :cpus]

    @property
    def lowest(self) -> npt.NDArray[np.int64]:
        """The lowest CPU of each set, none of which may be empty."""
        cpu = np.zeros(len(self), np.int64)
        for word in reversed(range(self.words.shape[1])):
            bits = self.words[:, word]
            lowest = bits & (~bits + np.uint64(1))
            place = np.flatnonzero(bits)
            cpu[place] = word * WORD + np.log2(lowest[place].astype(np.float64)).astype(
                np.int64
            )
        return cpu

    def used(self) -> tuple[int, ...]:
        """The CPUs that are in any set, ascending."""
        union = np.bitwise_or.reduce(self.words, axis=0, initial=0)
        return tuple(np.flatnonzero(self._bits(union)).tolist())

    def highest(self) -> int:
        """The highest CPU of any set; -1 if there is none."""
        return max(self.used(), default=-1)

    @staticmethod
    def _bits(words: Words) -> npt.NDArray[np.bool_]:
        as_bytes = np.ascontiguousarray(words).astype("<u8").view(np.uint8)
        return np.unpackbits(as_bytes, axis=-1, bitorder="little").astype(np.bool_)


def of_masks(masks: Sequence[int]) -> CpuSets:
    """The sets in which CPU *n* is bit *n* of a number."""
    width = max(1, *(-(-mask.bit_length() // WORD) for mask in masks), 1)
    content = b"".join(mask.to_bytes(width * 8, "little") for mask in masks)
    words = np.frombuffer(content, "<u8").astype(np.uint64)
    return CpuSets(words.reshape(len(masks), width))


def of_members(sets: Iterable[Iterable[int]]) -> CpuSets:
    """The sets with these CPUs."""
    return of_masks([sum(1 << cpu for cpu in frozenset(cpus)) for cpus in sets])


def joined(tables: Sequence[CpuSets]) -> CpuSets:
    """The sets of all *tables*, one table after the other; a set may occur twice."""
    width = max((table.words.shape[1] for table in tables), default=1)
    words = np.zeros((sum(map(len, tables)), width), np.uint64)
    start = 0
    for table in tables:
        words[start : start + len(table), : table.words.shape[1]] = table.words
        start += len(table)
    return CpuSets(words)


def distinct(table: CpuSets) -> tuple[CpuSets, Indexes]:
    """The distinct sets of *table*, and the index among them of each set that it had."""
    words = table.words
    if not len(words):
        return table, np.zeros(0, np.intp)
    order = np.lexsort(words.T)
    in_order = words[order]
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (in_order[1:] != in_order[:-1]).any(axis=1)
    index = np.empty(len(order), np.intp)
    index[order] = np.cumsum(is_first) - 1
    return CpuSets(in_order[is_first]), index
