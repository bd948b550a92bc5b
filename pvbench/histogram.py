"""
Histograms of times in ticks, written as one line of text.

Below 256 ticks each bucket is one tick wide.  Above, each power of two has 128 buckets of
equal width, so that the middle of a bucket differs from any time in it by at most 1/256.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final

import attrs

_BITS: Final = 8  # of a time that a bucket keeps
_HALF: Final = 1 << (_BITS - 1)
_LAST: Final = _HALF * (64 - _BITS) + (1 << _BITS) - 1  # the bucket of the largest u64
_ENTRY: Final = re.compile(r"([0-9]{1,5})(?:\*([0-9]{1,15}))?")


def ranks(number: int, per_mille: int) -> tuple[int, int]:
    """
    The two places, from 0, of the values whose mean is a quantile of *number* sorted ones.

    They are one place unless the quantile falls between two values.
    """
    place, rest = divmod(number * per_mille, 1000)
    return (place if rest else max(place - 1, 0)), min(place, number - 1)


@attrs.frozen
class Histogram:
    """The number of times in each bucket that is not empty, in ascending order."""

    counts: Mapping[int, int]

    @classmethod
    def of(cls, ticks: Iterable[int]) -> Histogram:
        """The histogram of *ticks*, none of them negative."""
        counts: Counter[int] = Counter()
        for time, number in Counter(ticks).items():
            counts[_bucket(time)] += number
        return cls(dict(sorted(counts.items())))

    @classmethod
    def merged(cls, histograms: Iterable[Histogram]) -> Histogram:
        """The histogram of the times of all *histograms*."""
        counts: Counter[int] = Counter()
        for histogram in histograms:
            counts.update(histogram.counts)
        return cls(dict(sorted(counts.items())))

    @classmethod
    def decoded(cls, text: str) -> Histogram:
        """
        The inverse of `encoded`.

        Raises:
            ValueError: *text* is no histogram.
        """
        counts = dict(_entries(text))
        if not counts or max(counts) > _LAST or 0 in counts.values():
            raise ValueError("a histogram has an impossible bucket")
        return cls(counts)

    def encoded(self) -> str:
        """
        An entry for each bucket: its distance from the one before, and the number of times.

        ``1999 1*4`` is one time in bucket 1999 and four in bucket 2000.
        """
        buckets = list(self.counts)
        gaps = (bucket - before for bucket, before in zip(buckets, [0, *buckets], strict=False))
        entries = zip(gaps, self.counts.values(), strict=True)
        return " ".join(
            f"{gap}*{number}" if number > 1 else f"{gap}" for gap, number in entries
        )

    def middles(self) -> list[float]:
        """The middle of each bucket, in ticks."""
        return [_middle(bucket) for bucket in self.counts]

    def quantile(self, per_mille: int) -> float:
        """A quantile of the times, in ticks, as far as the buckets tell; see `ranks`."""
        buckets, ends = list(self.counts), list(accumulate(self.counts.values()))
        low, high = (
            _middle(buckets[bisect(ends, place)]) for place in ranks(ends[-1], per_mille)
        )
        return (low + high) / 2


def _bucket(time: int) -> int:
    shift = max(time.bit_length() - _BITS, 0)
    return (shift << (_BITS - 1)) + (time >> shift)


def _middle(bucket: int) -> float:
    """The mean of the smallest and the largest time of a bucket."""
    shift = max(bucket // _HALF - 1, 0)
    first = (bucket - (shift << (_BITS - 1))) << shift
    return first + ((1 << shift) - 1) / 2


def _entries(text: str) -> Iterator[tuple[int, int]]:
    """The buckets of an encoded histogram, and the number of times in each."""
    bucket = 0
    for place, entry in enumerate(text.split(" ")):
        match = _ENTRY.fullmatch(entry)
        if match is None or (place and not int(match[1])):
            raise ValueError(f"{entry[:20]!r} is not an entry of a histogram")
        bucket += int(match[1])
        yield bucket, int(match[2] or 1)
