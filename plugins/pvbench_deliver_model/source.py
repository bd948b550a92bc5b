"""The state of a source CPU in its loop."""

from __future__ import annotations

import attrs
import numpy as np

from pvbench.dispatch import reached
from pvbench.guest import Guest
from pvbench.ops import Burst
from pvbench_deliver_model.arrays import I64
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.receivers import Receivers
from pvbench_deliver_model.sending import Sending
from pvbench_deliver_model.targets import NEVER
from pvbench_deliver_model.timeline import Arrivals


@attrs.define(eq=False)
class Source:
    """
    One source and its burst; times are in ps.

    Args:
        cpus: CPUs that must run the handler or, if they poll, the function.
        slot_of_cpu: index of a CPU in *cpus*; -1 for an unexpected CPU.
        polls_left: cost of polling each target and those after it, by slot.
        acks: time of each target's acknowledgement by slot; the last is for unexpected
            CPUs.
        now: time at which the next burst queues its entries, after the loop overhead.
        since: end of the last iteration.
        t0: start of the burst.
        busy: time of all its iterations without the pauses between them.
        is_queued: its entries are queued; it sends at *now*.
        unaccepted: interrupts that are in flight.
        entered: time of the latest handler entry of this burst.
        queueing: time to queue the entries before each target's, by slot; the last is for
            all of them.
        looks: time at which a burst reaches the call queue of each target, by slot.
        piggybacked: calls piggybacked on an interrupt of another source.
        drained: end of the last handler of a lossy burst.
    """

    index: int
    burst: Burst
    cpus: I64
    slot_of_cpu: I64
    polls_left: I64
    acks: I64
    sending: Sending
    queueing: I64
    looks: I64
    now: int = 0
    since: int = 0
    t0: int = attrs.field(default=attrs.Factory(lambda source: source.now, takes_self=True))
    send_end: int = 0
    busy: int = 0
    is_queued: bool = False
    waiting: bool = False
    unaccepted: list[Arrivals] = attrs.field(factory=list)
    entered: int = NEVER
    piggybacked: int = 0
    drained: int = 0

    def resume(self, at: int) -> None:
        """Go on *at* that time, after a handler; the burst starts then if it has not."""
        if self.t0 == self.now:
            self.t0 = at
        self.now = at

    def queued(self) -> int:
        """The time at which all entries of the burst are queued, without other sources."""
        return self.now + int(self.queueing[-1])

    @property
    def is_served(self) -> bool:
        """Whether targets have accepted all interrupts and run all piggybacked calls."""
        return self.waiting and not self.unaccepted and not self.piggybacked


def source_of(
    index: int,
    burst: Burst,
    guest: Guest,
    cost_profile: CostProfile,
    receivers: Receivers,
) -> Source:
    """Return the source of *burst* in its initial state."""
    cpus = np.array(reached(burst, guest), np.int64)
    slots = np.full(len(guest.apic_ids), -1, np.int64)
    slots[cpus] = np.arange(len(cpus))
    return Source(
        index=index,
        burst=burst,
        cpus=cpus,
        slot_of_cpu=slots,
        polls_left=np.arange(len(cpus), 0, -1) * cost_profile.ps("ack_poll"),
        acks=np.empty(len(cpus) + 1, np.int64),
        queueing=np.arange(len(cpus) + 1) * cost_profile.ps("csd_queue"),
        looks=np.empty(len(cpus), np.int64),
        now=cost_profile.ps("loop_overhead"),
        sending=Sending(guest, burst.source, cost_profile, receivers),
    )
