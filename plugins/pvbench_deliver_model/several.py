"""Several sources: their pauses, and the order in which their interrupts are accepted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import numpy as np

from pvbench.delivery import Task
from pvbench_deliver_model.source import Source
from pvbench_deliver_model.timeline import Arrivals

_GOLDEN: Final = (5**0.5 - 1) / 2  # whose multiples are the most even


def share_queues(sources: Sequence[Source]) -> bool:
    """Whether several of *sources* queue calls for the same CPU."""
    queueing = [source.cpus for source in sources if source.burst.protocol == "csd"]
    cpus = np.concatenate(queueing) if queueing else np.empty(0)
    return len(np.unique(cpus)) < len(cpus)


def first_of(task: Task) -> Task:
    """*task* with its first source only."""
    return attrs.evolve(
        task, bursts=task.bursts[:1], programs=task.programs[:1], reached=task.reached[:1]
    )


@attrs.define(eq=False)
class Pauses:
    """
    The pauses of sources between their bursts, spread evenly over 0 to *longest*.

    Without them, sources that wait for the same CPUs would fall into step, and the IPIs of
    one would serve all.
    """

    longest: int = 0
    _number: int = 0

    def next(self) -> int:
        """The next pause; each falls into the largest gap of those before it."""
        self._number += 1
        return int(self.longest * (self._number * _GOLDEN % 1))


def taken(
    due: Sequence[tuple[Source, Arrivals]], horizon: int
) -> Iterator[tuple[Source, Arrivals]]:
    """
    Take the interrupts up to *horizon* from their sources, in the order of their arrival.

    Each comes by itself, but for those of one source that all arrive until then.
    """
    for source, arrivals in due:
        source.unaccepted = [a for a in source.unaccepted if a is not arrivals]
    if len(due) == 1 and due[0][1].at[-1] <= horizon:
        yield due[0]
        return
    interrupts = []
    for source, arrivals in due:
        split = int(arrivals.at.searchsorted(horizon, "right"))
        later = Arrivals(arrivals.vector, arrivals.at[split:], arrivals.cpus[split:])
        if len(later.at):
            source.unaccepted.append(later)
        interrupts += [
            (int(at), source.index, position, source, int(cpu), arrivals.vector)
            for position, (at, cpu) in enumerate(
                zip(arrivals.at[:split], arrivals.cpus[:split], strict=True)
            )
        ]
    for at, _, _, source, cpu, vector in sorted(interrupts, key=lambda i: i[:3]):
        yield source, Arrivals(vector, np.array([at]), np.array([cpu]))
