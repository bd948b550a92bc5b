"""What one execution of a program gives: its counts, its times and the interrupts it sends."""

from __future__ import annotations

from typing import NamedTuple

import attrs
import numpy as np

from pvbench.decode.sends import Route
from pvbench_deliver_model.arrays import I64

# Routes whose op names each CPU at most once: bitmaps, broadcasts, self.
DISTINCT = frozenset({Route.HYPERCALL, Route.BROADCAST, Route.SELF, Route.SELF_REGISTER})


class Arrivals(NamedTuple):
    """
    Interrupts of one vector.

    Args:
        at: times at which they reach their CPU, ascending.
        distinct: whether it is known that no CPU occurs twice.
        in_exit: whether they are accepted in an exit of their sender.
    """

    vector: int
    at: I64
    cpus: I64
    distinct: bool = False
    in_exit: bool = False


@attrs.define(eq=False)
class Timeline:
    """
    One execution of a program.

    Args:
        end: time of the last op's end.
        irqs_off: time at which interrupts were first disabled; None if never.
        irqs_on: time at which interrupts were last enabled.
        wrote: whether memory was written that the next hypercall may read.
        raised: the number of the first op that raised #GP; None if none did.
    """

    end: int
    irqs_off: int | None = None
    irqs_on: int = 0
    wrote: bool = False
    raised: int | None = None
    arrivals: list[Arrivals] = attrs.field(factory=list)
    icr_writes: int = 0
    hypercalls: int = 0
    returned: int = 0
    exits: int = 0


def merged(arrivals: list[Arrivals]) -> list[Arrivals]:
    """Join all arrivals to one, which is in an exit as the first is, if they share a vector."""
    if len(arrivals) < 2 or len({a.vector for a in arrivals}) > 1:
        return arrivals
    arrival_times = np.concatenate([a.at for a in arrivals])
    cpus = np.concatenate([a.cpus for a in arrivals])
    return [arrivals[0]._replace(at=arrival_times, cpus=cpus, distinct=False)]
