"""
The modelled time of sends.

The time of a send depends on its work.  On most machines it is exactly linear in the
numbers of targets, ICR writes, hypercalls and stores, so a few runs of the model's engine
give the time of all sends.  Further runs check it; where it is not linear, the engine runs
each work, or the time is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.delivery import BootedGuest, Delivery, Description
from pvbench.ops import Burst
from pvbench.replay.work import Example, Sending, Tally, Work
from pvbench.run.prepared import prepare
from pvbench.suite import Case
from pvbench.workload import Workload

Item = TypeVar("Item")
Floats = npt.NDArray[np.float64]
_FEW: Final = 12  # works of one kind that the engine runs all
_FITTED: Final = 10  # works of a larger kind from which coefficients follow
_CHECKED: Final = 6  # others that must agree with them
_MOST: Final = 2000  # works that the engine runs one by one
_CLOSE: Final = 1.5  # ticks: times are whole ticks, and a fit has rounding errors
_NO_WORKLOAD: Final = Workload(name="recording", summary="-", bursts=lambda guest: ())


@attrs.frozen(kw_only=True)
class Machine:
    """
    A modelled machine.

    Args:
        target_state: the state of all targets before each send.
    """

    delivery: Delivery
    description: Description
    target_state: str

    @property
    def costs(self) -> str:
        """The name of its cost profile."""
        costs = self.description.costs
        return costs.name if costs else "-"


@attrs.frozen
class Time:
    """
    The modelled time of one send, in ticks.

    Args:
        assumed: the part of it that depends on assumed costs.
        exits: of the sending CPU.
    """

    ticks: float
    assumed: float
    exits: float


def times_of(
    tallies: Mapping[Work, Tally], sending: Sending, machine: Machine
) -> dict[Work, Time] | None:
    """
    The time of each work; None if it is not a function of the work.

    Raises:
        PvbenchError: the engine refuses a burst.
    """
    times: dict[Work, Time] = {}
    with machine.delivery.boot(sending.guest, machine.description.worker_data) as booted:
        engine = _Engine(booted, sending, machine)
        for works in _kinds(tallies):
            of_kind = _of_kind(works, tallies, engine)
            if of_kind is None:
                return None
            times |= of_kind
    return times


def _kinds(works: Iterable[Work]) -> Iterator[list[Work]]:
    """Works of one operation, which have one linear form."""
    kinds: dict[tuple[str, bool], list[Work]] = {}
    for work in works:
        kinds.setdefault((work.operation, work.broadcast), []).append(work)
    yield from kinds.values()


def why_unsupported(sending: Sending, machine: Machine, burst: Burst) -> str | None:
    """Why the machine cannot run the stack; None if it can."""
    task = prepare(_case(sending, machine, burst)).task
    return machine.delivery.why_unsupported(sending.guest, task, machine.description)


def _case(sending: Sending, machine: Machine, burst: Burst) -> Case:
    return Case(
        suite="replay",
        suite_version=1,
        workload=_NO_WORKLOAD,
        stack=sending.stack,
        guest=sending.guest,
        linux=sending.linux,
        target_state=machine.target_state,
        delivery=machine.delivery.name,
        site="-",
        costs=None,
        bursts=(burst,),
    )


@attrs.frozen
class _Engine:
    """Runs one burst after another in a booted guest."""

    booted: BootedGuest
    sending: Sending
    machine: Machine
    times: dict[Burst, Time] = attrs.field(factory=dict)

    def time(self, burst: Burst) -> Time:
        """The time of *burst*, sent once to targets in their initial state."""
        if burst not in self.times:
            self.times[burst] = self._run(burst)
        return self.times[burst]

    def _run(self, burst: Burst) -> Time:
        task = prepare(_case(self.sending, self.machine, burst)).task
        result = self.booted.load(task).run(loops=1, warmup=0)
        exits = float(result.counts.exits or 0)
        if "send" not in result.distributions:  # nothing is sent
            return Time(0, 0, exits)
        ticks = result.distributions["send"].median
        return Time(ticks, ticks * result.assumed.get("send", 0.0), exits)


def _of_kind(
    works: Sequence[Work], tallies: Mapping[Work, Tally], engine: _Engine
) -> dict[Work, Time] | None:
    """The time of each of *works*, which have one operation."""
    if not _are_functions(works, tallies, engine):
        return None
    first = {work: tallies[work].examples[0] for work in works}
    if len(works) > _FEW:
        fitted = _fitted(works, first, engine)
        if fitted is not None:
            return fitted
        if len(works) > _MOST:
            return None
    return {work: engine.time(first[work]()) for work in works}


def _are_functions(
    works: Sequence[Work], tallies: Mapping[Work, Tally], engine: _Engine
) -> bool:
    """Whether two sends with equal work take equal time, as far as some of them show."""
    pairs = [tallies[work].examples for work in works if len(tallies[work].examples) > 1]
    return all(
        _is_close(engine.time(one()), engine.time(other()))
        for one, other in _spread(pairs, _CHECKED)
    )


def _is_close(one: Time, other: Time) -> bool:
    return all(
        abs(a - b) <= _CLOSE
        for a, b in zip(attrs.astuple(one), attrs.astuple(other), strict=True)
    )


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most *count* of *items*, from the first to the last."""
    places = np.linspace(0, len(items) - 1, min(count, len(items)), dtype=int)
    return [items[place] for place in places.tolist()]


def _fitted(
    works: Sequence[Work], examples: Mapping[Work, Example], engine: _Engine
) -> dict[Work, Time] | None:
    """The times of *works* from a linear form; None if one that is checked differs from it."""
    in_order = sorted(works, key=lambda work: work.numbers)
    chosen = dict.fromkeys([*_extremes(in_order), *_spread(in_order, _FITTED)])
    times = np.array([attrs.astuple(engine.time(examples[work]())) for work in chosen])
    form, *_ = np.linalg.lstsq(_design([*chosen]), times, rcond=None)
    others = [work for work in in_order if work not in chosen]
    fitted = {
        work: Time(*row)
        for work, row in zip(works, (_design(works) @ form).tolist(), strict=True)
    }
    checked = [*chosen, *_spread(others, _CHECKED)]
    agree = all(_is_close(fitted[work], engine.time(examples[work]())) for work in checked)
    return fitted if agree else None


def _extremes(works: Sequence[Work]) -> Iterator[Work]:
    """The works with the smallest and the largest of each number."""
    for place in range(len(works[0].numbers)):
        yield min(works, key=lambda work: work.numbers[place])
        yield max(works, key=lambda work: work.numbers[place])


def _design(works: Sequence[Work]) -> Floats:
    return np.array([(1, *work.numbers) for work in works], np.float64)
