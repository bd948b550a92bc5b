"""From slice results to samples, and the proof of mechanism."""

from __future__ import annotations

from collections.abc import Iterator

from pvbench.delivery import CLOCKS
from pvbench.run.prepared import Prepared
from pvbench.run.static_check import Expected
from pvbench.sender import reached
from pvbench.slice_result import Counts, SliceResult


def seconds(result: SliceResult, ticks_per_second: int) -> dict[str, float]:
    """
    The mean of each series over the slice, in seconds a burst.

    Raises:
        ValueError: ticks that cannot be a time.
    """
    for series, ticks in result.ticks.items():
        if not result.samples.get(series):
            raise ValueError(f"{series} has {result.samples.get(series)} samples")
        if ticks <= 0:
            raise ValueError(f"{series} took {ticks} ticks")
    return {
        series: ticks / (ticks_per_second * result.samples[series])
        for series, ticks in result.ticks.items()
    }


def ticks_per_second(result: SliceResult, clock: str) -> int:
    """
    What the ticks of *slice result* are in.

    Raises:
        ValueError: it does not say, and the clock's name does not either.
    """
    rate = CLOCKS[clock] or result.ticks_per_second
    if not rate:
        raise ValueError(f"a slice result of clock {clock} is without its ticks per second")
    return rate


def differences(prepared: Prepared, result: SliceResult) -> list[str]:
    """
    Where the exact counts of *slice result* contradict the ops; empty is proof.

    The number of ICR writes and hypercalls follows from the ops, the set of
    targets from the burst.
    """
    counts = result.counts
    executed = list(_executed(prepared, result))
    found = list(result.faults)
    found += [
        f"{name} {seen} instead of {wanted}"
        for name, seen, wanted in (
            ("ICR writes", counts.icr_writes, sum(n * e.icr_writes for n, e in executed)),
            ("hypercalls", counts.hypercalls, sum(n * e.hypercalls for n, e in executed)),
            ("returned", counts.returned, sum(n * e.returned for n, e in executed)),
        )
        if seen is not None and seen != wanted
    ]
    cpus = len(prepared.case.guest.apic_ids)
    sends = [0] * cpus
    for times, expected in executed:
        for cpu in expected.cpus:
            sends[cpu] += times
    found += _handlers(counts, sends) or _coalesced(prepared, counts)
    if all(burst.protocol == "csd" for burst in prepared.case.bursts):
        wanted = _requests(prepared, result)
        found += _first_difference("functions run", list(counts.functions), wanted)
    return found


def _handlers(counts: Counts, sends: list[int]) -> list[str]:
    """Each send is a handler run, or met one still to come."""
    if counts.coalesced is not None:
        handled = [h + c for h, c in zip(counts.handlers, counts.coalesced, strict=True)]
        return _first_difference("handler runs", handled, sends)
    most = [min(pair) for pair in zip(counts.handlers, sends, strict=True)]
    none = [int(wanted > 0 and not seen) for seen, wanted in zip(most, sends, strict=True)]
    return _first_difference("handler runs", list(counts.handlers), most) or (
        _first_difference("CPUs never reached", none, [0] * len(none))
    )


def _coalesced(prepared: Prepared, counts: Counts) -> list[str]:
    """One source that waits leaves nothing pending for its next send to meet."""
    bursts = prepared.case.bursts
    if counts.coalesced is None or len(bursts) != 1 or not bursts[0].wait:
        return []
    return _first_difference("coalesced", list(counts.coalesced), [0] * len(counts.coalesced))


def _executed(prepared: Prepared, result: SliceResult) -> Iterator[tuple[int, Expected]]:
    """(how often, what was expected) of each program that ran."""
    for times, expected, _ in _sends(prepared, result):
        yield times, expected


def _requests(prepared: Prepared, result: SliceResult) -> list[int]:
    """How often each CPU is asked by a function call, whether or not an IPI is sent for it."""
    requests = [0] * len(prepared.case.guest.apic_ids)
    for times, expected, riding in _sends(prepared, result):
        for cpu in (*expected.cpus, *riding):
            requests[cpu] += times
    return requests


def _sends(
    prepared: Prepared, result: SliceResult
) -> Iterator[tuple[int, Expected, tuple[int, ...]]]:
    """Each program that ran: how often, what it must do, who rides on another's send."""
    for index, (burst, whole) in enumerate(
        zip(prepared.case.bursts, prepared.bursts, strict=True)
    ):
        partial = [p for p in result.partial if p.burst == index]
        for part in partial:
            riding = set(reached(burst, prepared.case.guest)) - set(part.cpus)
            yield part.times, prepared.subset(index, part.cpus), tuple(riding)
        yield result.loops - sum(part.times for part in partial), whole, ()


def _first_difference(what: str, seen: list[int], wanted: list[int]) -> list[str]:
    wrong = [
        cpu for cpu, pair in enumerate(zip(seen, wanted, strict=True)) if pair[0] != pair[1]
    ]
    if not wrong:
        return []
    cpu = wrong[0]
    more = f" (and on {len(wrong) - 1} more CPUs)" if len(wrong) > 1 else ""
    return [f"{what} on CPU {cpu}: {seen[cpu]} instead of {wanted[cpu]}{more}"]
