"""A source CPU in the middle of its loop."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.ops import Burst
from pvbench_deliver_model.sending import Arrivals, Sending
from pvbench_deliver_model.targets import NEVER

I64 = npt.NDArray[np.int64]


@attrs.define(eq=False)
class Source:
    """
    One source and its burst; times in ps.

    Args:
        cpus: CPUs that must run the handler by interrupt.
        slot_of_cpu: place of a CPU in *cpus*; -1 for a stranger.
        polls_left: cost of the polls from each target on, by slot.
        acks: when each target acknowledged, by slot; one more, for strangers.
        now: when the next burst queues its entries, loop overhead done.
        since: end of the last iteration.
        t0: start of the burst.
        unaccepted: interrupts on their way.
        entered: the latest handler entry of this burst.
        riders: entries that ride on a send of another source.
        drained: end of the last handler of a lossy burst.
    """

    index: int
    burst: Burst
    cpus: I64
    slot_of_cpu: I64
    polls_left: I64
    acks: I64
    sending: Sending
    now: int = 0
    since: int = 0
    t0: int = attrs.field(default=attrs.Factory(lambda source: source.now, takes_self=True))
    send_end: int = 0
    waiting: bool = False
    unaccepted: list[Arrivals] = attrs.field(factory=list)
    entered: int = NEVER
    riders: int = 0
    drained: int = 0

    @property
    def is_served(self) -> bool:
        """Every interrupt of the burst is accepted, its rides included."""
        return self.waiting and not self.unaccepted and not self.riders
