"""The record of a slice: the times of its bursts, and the counts of its sources."""

from __future__ import annotations

from collections import defaultdict

import attrs

from pvbench.slice_result import Counts, Distribution, PartialSend, SliceResult
from pvbench_deliver_model.targets import Targets
from pvbench_deliver_model.timeline import Timeline


@attrs.define(eq=False)
class Record:
    """
    The times of all bursts, and the sums over their programs.

    Args:
        samples: times in ps by the name of the quantity.
        makespan: the longest time of one source for all its bursts, of several sources only.
    """

    samples: defaultdict[str, list[int]] = attrs.field(factory=lambda: defaultdict(list))
    makespan: int | None = None
    icr_writes: int = 0
    hypercalls: int = 0
    returned: int = 0
    exits: int = 0

    def count(self, timeline: Timeline) -> None:
        """Add the counts of one execution of a program."""
        self.icr_writes += timeline.icr_writes
        self.hypercalls += timeline.hypercalls
        self.returned += timeline.returned
        self.exits += timeline.exits

    def slice_result(
        self, loops: int, targets: Targets, partial: list[PartialSend], *, bare: bool
    ) -> SliceResult:
        """Return the record as a slice result; *bare* handlers call no functions."""
        times = {name: Distribution.of(values) for name, values in self.samples.items()}
        if self.makespan is not None:
            times["makespan"] = Distribution.of_span(self.makespan, loops)
        polled, blocked = targets.wakeups
        counts = Counts(
            icr_writes=self.icr_writes,
            hypercalls=self.hypercalls,
            returned=self.returned,
            handlers=targets.handlers.tolist(),
            coalesced=targets.coalesced.tolist(),
            functions=(targets.handlers if bare else targets.functions).tolist(),
            exits=self.exits,
            wakeups_polled=polled,
            wakeups_blocked=blocked,
        )
        return SliceResult(
            loops=loops,
            distributions=times,
            counts=counts,
            partial=partial,
            target_state=targets.state,
        )
