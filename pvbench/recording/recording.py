"""
A recording: the IPIs of a real system, as a trace shows them.

Its users, such as a replay, need four things of this package.

- `Recording`: the columns, the CPUs and what is known about the trace.
- `Recording.sent`: the bursts that interrupted their targets (ipi_send_cpu and
  ipi_send_cpumask), after the kernel had coalesced calls.
- `Recording.wanted`: the calls that the kernel was asked for (csd_queue_cpu), before it
  coalesced them.  A reschedule IPI has no such event; it is in `sent` only.
- `Recording.operations`: what a host saw of its guests' sends, which are no bursts: one
  burst may be several operations, and an accelerated send is none.

`pvbench.recording.load` makes a recording of traces, `pvbench.recording.stored` writes and
reads its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import attrs
import numpy as np

from pvbench.recording.bursts import Bursts, Call, no_bursts
from pvbench.recording.operations import Operations, no_operations
from pvbench.recording.sets import CpuSets, of_masks

CLOCKS: Final = ("ns", "ticks", "none")
TIMES: Final = ("real", "emulated", "unknown")
EMULATORS: Final = ("TCG", "Bochs", "QEMU Virtual CPU")  # in the model name of a CPU


@attrs.frozen(kw_only=True)
class Loss:
    """
    Events that the trace does not have.

    Args:
        cpu: the CPU that sent or received them; None if the trace does not say it.
        events: how many; None if the trace does not say it.
        reason: what the trace says.
    """

    cpu: int | None
    events: int | None
    reason: str


@attrs.frozen(kw_only=True, eq=False)
class Recording:
    """
    The IPIs of one trace.

    Args:
        producer: the name of the reader of the text.
        kernel: the release of the kernel that was traced; empty if it is unknown.
        cpus: the number of CPUs: those that the trace names or uses, or more.
        online: the CPUs that were online; empty if it is unknown.
        apic_ids: the APIC ID of each CPU that is online, by its number; empty if unknown.
        clock: the unit of times: ``ns``, ``ticks`` of a TSC, or ``none``.
        times: ``real`` on hardware, ``emulated``, or ``unknown``.
        sets: the sets of targets.
        calls: what bursts have in common.
        received: for each vector, how many interrupts of each CPU the trace shows.
        losses: events that the trace does not have.
        accepted: the user accepts the losses.
        events: the number of events read, by name.
        notes: sentences about the trace.
        texts: what `pvbench record` read on the machine beside the trace, such as
            /proc/cpuinfo, by its name.
    """

    producer: str
    kernel: str = ""
    cpus: int
    online: tuple[int, ...] = ()
    apic_ids: Mapping[int, int] = MappingProxyType({})
    clock: str = "none"
    times: str = "unknown"
    sets: CpuSets = attrs.field(factory=lambda: of_masks(()))
    calls: tuple[Call, ...] = ()
    sent: Bursts = attrs.field(factory=no_bursts)
    wanted: Bursts = attrs.field(factory=no_bursts)
    operations: Operations = attrs.field(factory=no_operations)
    received: Mapping[int, tuple[int, ...]] = MappingProxyType({})
    losses: tuple[Loss, ...] = ()
    accepted: bool = False
    events: Mapping[str, int] = MappingProxyType({})
    notes: tuple[str, ...] = ()
    texts: Mapping[str, str] = MappingProxyType({})

    @property
    def is_host(self) -> bool:
        """Whether it has operations that a host saw, and no bursts."""
        return len(self.operations) > 0 and not len(self.sent)

    @property
    def has_masks(self) -> bool:
        """Whether it can have multicasts: a histogram of ipi_send_cpu has none."""
        return not self.is_host and self.producer != "histogram"

    @property
    def is_void(self) -> bool:
        """Whether its totals are void: events are lost, and the user did not accept that."""
        return bool(self.losses) and not self.accepted

    @property
    def lost_events(self) -> int:
        """The number of events that are known to be lost."""
        return sum(loss.events or 0 for loss in self.losses)

    @property
    def interrupts(self) -> int:
        """The number of interrupts that were sent."""
        return targets_of(self.sent, self.sets)

    @property
    def unicasts(self) -> int:
        """The number of sends to one target."""
        return self._unicasts(self.sent)

    def _unicasts(self, bursts: Bursts) -> int:
        is_one = self.sets.sizes == 1
        return int(bursts.counts[is_one[bursts.targets]].sum())

    @property
    def span(self) -> int:
        """The time from the first send to the last one, in the unit of the clock."""
        columns = [b.time for b in (self.sent, self.wanted) if len(b.time)]
        times = np.concatenate(columns) if columns else np.zeros(1, np.int64)
        return int(times.max() - times.min())

    @property
    def nbytes(self) -> int:
        """The memory of its columns and sets."""
        return self.sent.nbytes + self.wanted.nbytes + self.sets.words.nbytes


def targets_of(bursts: Bursts, sets: CpuSets) -> int:
    """The number of targets of all *bursts*."""
    return int((sets.sizes[bursts.targets] * bursts.counts).sum())


def is_emulated(model: str) -> bool:
    """Whether a CPU with this model name is one of an emulator."""
    return any(word in model for word in EMULATORS)


def lost_by_cpu(losses: Iterable[Loss]) -> dict[int | None, int]:
    """The events lost, by CPU; None is for those of no CPU in particular."""
    counts: dict[int | None, int] = {}
    for loss in losses:
        counts[loss.cpu] = counts.get(loss.cpu, 0) + (loss.events or 0)
    return counts
