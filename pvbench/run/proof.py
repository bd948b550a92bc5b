"""The proof of mechanism, and the conversion of slice results to seconds."""

from __future__ import annotations

from collections.abc import Iterator

from pvbench.delivery import Clock
from pvbench.dispatch import reached
from pvbench.run.prepared import Prepared
from pvbench.run.static_check import Expected
from pvbench.slice_result import Counts, SliceResult


def seconds(result: SliceResult, ticks_per_second: int) -> dict[str, float]:
    """
    The median of each series over the bursts of the slice, in seconds.

    Raises:
        ValueError: a median of 0 ticks.
    """
    medians = {series: times.median for series, times in result.distributions.items()}
    for series, ticks in medians.items():
        if not ticks:
            raise ValueError(f"{series} took 0 ticks")
    return {series: ticks / ticks_per_second for series, ticks in medians.items()}


def ticks_per_second(result: SliceResult, clock: Clock) -> int:
    """
    The ticks per second of *result*.

    Raises:
        ValueError: neither the result nor the clock has them.
    """
    rate = clock.ticks_per_second or result.ticks_per_second
    if not rate:
        raise ValueError(f"a slice result of clock {clock.name} has no ticks per second")
    return rate


def differences(prepared: Prepared, result: SliceResult) -> list[str]:
    """
    Return where the exact counts of *result* contradict the ops; an empty list is proof.

    The expected numbers of ICR writes and hypercalls follow from the ops, the expected
    targets from the burst.  Nothing is known of what a program sends, so a delivery that runs
    programs proves by other means what it did, and reports faults.
    """
    if prepared.case.workload.is_program:
        return list(result.faults)
    counts = result.counts
    executed = list(_executed(prepared, result))
    sentences = list(result.faults)
    sentences += [
        f"{name} {count} instead of {expected}"
        for name, count, expected in (
            ("ICR writes", counts.icr_writes, sum(n * e.icr_writes for n, e in executed)),
            ("hypercalls", counts.hypercalls, sum(n * e.hypercalls for n, e in executed)),
            ("returned", counts.returned, sum(n * e.returned for n, e in executed)),
        )
        if count is not None and count != expected
    ]
    cpus = len(prepared.case.guest.apic_ids)
    sends = [0] * cpus
    for times, program in executed:
        for cpu in program.cpus:
            sends[cpu] += times
    sentences += _handlers(counts, sends) or _coalesced(prepared, counts)
    if all(burst.protocol == "csd" for burst in prepared.case.bursts):
        requests = _requests(prepared, result)
        sentences += _first_difference("functions run", list(counts.functions), requests)
    return sentences


def _handlers(counts: Counts, sends: list[int]) -> list[str]:
    """Each send must cause a handler run or coalesce with one."""
    if counts.coalesced is not None:
        handled = [h + c for h, c in zip(counts.handlers, counts.coalesced, strict=True)]
        return _first_difference("handler runs", handled, sends)
    capped = [min(pair) for pair in zip(counts.handlers, sends, strict=True)]
    unreached = [int(sent > 0 and not runs) for runs, sent in zip(capped, sends, strict=True)]
    return _first_difference("handler runs", list(counts.handlers), capped) or (
        _first_difference("CPUs never reached", unreached, [0] * len(unreached))
    )


def _coalesced(prepared: Prepared, counts: Counts) -> list[str]:
    """Sends of a single source that waits never coalesce, since none is pending."""
    bursts = prepared.case.bursts
    if counts.coalesced is None or len(bursts) != 1 or not bursts[0].wait:
        return []
    return _first_difference("coalesced", list(counts.coalesced), [0] * len(counts.coalesced))


def _executed(prepared: Prepared, result: SliceResult) -> Iterator[tuple[int, Expected]]:
    """Return how often each program ran, and the counts expected of it."""
    for times, expected, _ in _sends(prepared, result):
        yield times, expected


def _requests(prepared: Prepared, result: SliceResult) -> list[int]:
    """Return the number of function calls to each CPU, with or without an IPI of its own."""
    requests = [0] * len(prepared.case.guest.apic_ids)
    for times, expected, piggybacked in _sends(prepared, result):
        for cpu in (*expected.cpus, *expected.spared, *piggybacked):
            requests[cpu] += times
    return requests


def _sends(
    prepared: Prepared, result: SliceResult
) -> Iterator[tuple[int, Expected, tuple[int, ...]]]:
    """
    Return how often each program ran, and the counts expected of it.

    The third value is the CPUs whose calls were piggybacked on another source's IPI.
    """
    for index, (burst, sent) in enumerate(
        zip(prepared.case.bursts, prepared.bursts, strict=True)
    ):
        partial = [p for p in result.partial if p.burst == index]
        for part in partial:
            piggybacked = set(reached(burst, prepared.case.guest)) - set(part.cpus)
            yield part.times, prepared.subset(index, part.cpus), tuple(piggybacked)
        yield result.loops - sum(part.times for part in partial), sent, ()


def _first_difference(noun: str, counts: list[int], expected: list[int]) -> list[str]:
    wrong_cpus = [
        cpu for cpu, pair in enumerate(zip(counts, expected, strict=True)) if pair[0] != pair[1]
    ]
    if not wrong_cpus:
        return []
    cpu = wrong_cpus[0]
    others = f" (and on {len(wrong_cpus) - 1} more CPUs)" if len(wrong_cpus) > 1 else ""
    return [f"{noun} on CPU {cpu}: {counts[cpu]} instead of {expected[cpu]}{others}"]
