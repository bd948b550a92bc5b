"""
One slice of a recording, from the slices of its sends, each of which ran alone.

Its time is that of sending, because a recording does not know how long a source waited.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pvbench.run.sampling_error import sampling_error
from pvbench.slice_result import Counts, Distribution, SliceResult
from pvbench.workload import Drawn

_SEND: Final = "send"
_WHOLE: Final = "wall"  # the series that tables show unless another one is asked for
_UNKNOWN: Final = "unknown"
ERROR: Final = "sampling_error"
Parts = Sequence[tuple[int, SliceResult]]


def combined(
    repeats: Sequence[int], results: Sequence[SliceResult], sample: Sequence[Drawn] = ()
) -> SliceResult:
    """
    A slice of one iteration, in which each send occurs as often as *repeats* says.

    Args:
        repeats: how often each send occurs.
        results: the slice of each, in which it is repeated alone.
        sample: how each send was drawn, if they are a sample.
    """
    parts = [*zip(repeats, results, strict=True)]
    ticks = sum(_ticks(count, result) for count, result in parts)
    series = (_SEND, _WHOLE) if ticks else ()
    is_modelled = any(result.assumed for result in results)
    return SliceResult(
        loops=1,
        distributions=dict.fromkeys(series, Distribution.of_span(round(ticks), 1)),
        counts=_counts(parts),
        assumed=dict.fromkeys(series if is_modelled else (), _assumed(parts, ticks)),
        target_state=_state(results),
        ticks_per_second=results[0].ticks_per_second,
        facts={**results[0].facts, **_error(results, sample, ticks)},
    )


def _error(
    results: Sequence[SliceResult], sample: Sequence[Drawn], ticks: float
) -> dict[str, float]:
    """Half of the 95 % interval that the sample leaves, as a part of the time."""
    if not sample or not ticks:
        return {}
    times = [_ticks(1, result) for result in results]
    return {ERROR: sampling_error(sample, times) / ticks}


def _ticks(count: int, result: SliceResult) -> float:
    """The time of a send, which need not interrupt any CPU."""
    times = result.distributions.get(_SEND)
    return count * times.median if times else 0.0


def _assumed(parts: Parts, ticks: float) -> float:
    assumed = sum(
        _ticks(count, result) * result.assumed.get(_SEND, 0.0) for count, result in parts
    )
    return assumed / ticks if ticks else 0.0


def _counts(parts: Parts) -> Counts:
    return Counts(
        handlers=_by_cpu(parts, "handlers") or (),
        functions=_by_cpu(parts, "functions") or (),
        coalesced=_by_cpu(parts, "coalesced"),
        **{name: _total(parts, name) for name in _TOTALS},
    )


_TOTALS: Final = (
    *("icr_writes", "hypercalls", "returned"),
    *("exits", "wakeups_polled", "wakeups_blocked"),
)


def _total(parts: Parts, name: str) -> int | None:
    """The events of all sends; None if the host cannot show those of one of them."""
    counts = [(count, result.loops, getattr(result.counts, name)) for count, result in parts]
    if any(events is None for *_, events in counts):
        return None
    total: float = sum(count * events / loops for count, loops, events in counts)
    return round(total)


def _by_cpu(parts: Parts, name: str) -> tuple[int, ...] | None:
    columns = [getattr(result.counts, name) for _, result in parts]
    if any(column is None for column in columns):
        return None
    return tuple(map(round, _sums(parts, columns)))


def _sums(parts: Parts, columns: Sequence[tuple[int, ...]]) -> Iterator[float]:
    weights = [count / result.loops for count, result in parts]
    for row in zip(*columns, strict=True):
        yield sum(weight * events for weight, events in zip(weights, row, strict=True))


def _state(results: Sequence[SliceResult]) -> str:
    states = {result.target_state for result in results}
    return states.pop() if len(states) == 1 else _UNKNOWN
