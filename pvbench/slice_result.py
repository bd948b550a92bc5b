"""The result of one slice: ticks and counts that a delivery measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from pvbench.histogram import Histogram, ranks
from pvbench.validators import ints

# Times since t0 of a burst; "wall" is the whole iteration with its loop overhead.
_OF_BURSTS: Final = ("send", "irqoff", "deliver", "ack", "wall", "makespan")
# The time for each IPI of all sources together, which the core computes.
RATE: Final = "rate"
# Of a program, besides "wall": each of its operations, host CPU time of all vCPU threads,
# and the lateness of the wake-ups of a vCPU that takes no part.
_OF_PROGRAMS: Final = ("operation", "vcpu", "bystander")
SERIES: Final = (*_OF_BURSTS, RATE, *_OF_PROGRAMS)
_COUNT: Final = attrs.validators.optional(attrs.validators.instance_of(int))


@attrs.frozen(kw_only=True)
class Counts:
    """
    Counts of one slice.

    Exact counts must equal the expected ones: `icr_writes`, `hypercalls`, `returned`,
    `handlers`, `coalesced`, `functions`.  Observed counts are only reported: `exits`,
    `wakeups_polled`, `wakeups_blocked`.  None means that this host cannot show the count.

    Args:
        icr_writes: writes to the local APIC that send an interrupt.
        hypercalls: hypercalls that send interrupts.
        returned: sum of the return values of these hypercalls.
        handlers: handler runs by CPU number; empty for a program.
        coalesced: sends whose vector was still pending at the target, by CPU number.  If
            it is None, fewer handler runs than sends mean coalescing or a loss.
        functions: functions called by CPU number; equal to `handlers` for ``bare``.
        exits: VM exits of the sending CPUs.
        wakeups_polled: wake-ups of halted targets during halt polling.
        wakeups_blocked: wake-ups of halted targets that had to be scheduled.
    """

    icr_writes: int | None = attrs.field(validator=_COUNT)
    hypercalls: int | None = attrs.field(validator=_COUNT)
    returned: int | None = attrs.field(validator=_COUNT)
    handlers: tuple[int, ...] = attrs.field(converter=ints)
    coalesced: tuple[int, ...] | None = attrs.field(converter=attrs.converters.optional(ints))
    functions: tuple[int, ...] = attrs.field(converter=ints)
    exits: int | None = attrs.field(default=None, validator=_COUNT)
    wakeups_polled: int | None = attrs.field(default=None, validator=_COUNT)
    wakeups_blocked: int | None = attrs.field(default=None, validator=_COUNT)


_MEDIAN: Final = 500  # per mille
_P99: Final = 990


def quantile(ordered: Sequence[float], per_mille: int) -> float:
    """
    A quantile of *ordered*, of which there is at least one; ``averaged_inverted_cdf`` of numpy.

    It is the smallest value that enough of them do not exceed, or its mean with the next
    one if exactly enough do not.  The median of an even number is thus the mean of the
    middle two.
    """
    low, high = ranks(len(ordered), per_mille)
    return (ordered[low] + ordered[high]) / 2


@attrs.frozen(kw_only=True)
class Distribution:
    """
    Times of the single bursts of a slice, in ticks.

    Args:
        samples: the number of these times.
        total: their sum.
        median, p99: their quantiles, see `quantile`.
        histogram: a `Histogram` of them, encoded; for display only.
    """

    samples: int
    total: int
    median: float = attrs.field(converter=float)
    p99: float = attrs.field(converter=float)
    minimum: float = attrs.field(converter=float)
    maximum: float = attrs.field(converter=float)
    histogram: str

    def __attrs_post_init__(self) -> None:
        in_order = 0 <= self.minimum <= self.median <= self.p99 <= self.maximum
        if self.samples < 1 or not in_order or not self.minimum <= self.mean <= self.maximum:
            raise ValueError(
                f"{self.samples} times with a sum of {self.total}, minimum {self.minimum:g}, "
                f"median {self.median:g}, p99 {self.p99:g} and maximum {self.maximum:g} ticks "
                f"are impossible"
            )
        Histogram.decoded(self.histogram)

    @property
    def mean(self) -> float:
        """Their mean."""
        return self.total / self.samples

    @classmethod
    def of(cls, ticks: Iterable[int]) -> Distribution:
        """The distribution of *ticks*, of which there is at least one."""
        ordered = sorted(ticks)
        return cls(
            samples=len(ordered),
            total=sum(ordered),
            median=quantile(ordered, _MEDIAN),
            p99=quantile(ordered, _P99),
            minimum=ordered[0],
            maximum=ordered[-1],
            histogram=Histogram.of(ordered).encoded(),
        )

    @classmethod
    def of_span(cls, ticks: int, loops: int) -> Distribution:
        """One time, *ticks* of *loops* iterations together, for a single iteration."""
        each = ticks / loops
        return cls(
            samples=loops,
            total=ticks,
            **dict.fromkeys(("median", "p99", "minimum", "maximum"), each),
            histogram=Histogram.of([round(each)]).encoded(),
        )


@attrs.frozen(kw_only=True)
class PartialSend:
    """A `csd` burst that sent only to *cpus*, because other call queues were not empty."""

    burst: int
    cpus: tuple[int, ...] = attrs.field(converter=ints)
    times: int


def _partial(sends: Iterable[PartialSend]) -> tuple[PartialSend, ...]:
    return tuple(sends)


def _sentences(faults: Iterable[str]) -> tuple[str, ...]:
    return tuple(faults)


def _known_series(instance: Any, attribute: attrs.Attribute[Any], names: Iterable[str]) -> None:
    """Accept series that reports can show."""
    if unknown := sorted(set(names) - set(SERIES)):
        raise ValueError(
            f"SliceResult.distributions has {unknown[0]!r}, not one of {', '.join(SERIES)}"
        )


_PARTS: Final = attrs.validators.deep_mapping(
    attrs.validators.instance_of(str), attrs.validators.instance_of(float)
)


def _facts(instance: Any, attribute: attrs.Attribute[Any], facts: dict[str, Any]) -> None:
    """Accept values that a result file can hold."""
    for name, fact in facts.items():
        text = isinstance(fact, str) and fact.strip() and fact.isprintable()
        number = type(fact) in (int, float) and math.isfinite(fact)
        if not (text or number):
            raise ValueError(
                f"SliceResult.facts[{name!r}] is {fact!r}, not a number or a line of text"
            )


@attrs.frozen(kw_only=True)
class SliceResult:
    """
    One slice: *loops* iterations of a task.

    Args:
        distributions: of the times of single bursts, by series of `SERIES`; series that
            this delivery does not measure are absent.
        partial: sends to fewer targets than the burst has.
        assumed: part of each series' median that depends on assumed costs, 0 to 1;
            empty if times are measured.
        target_state: the proved state of the targets: ``halted``, ``running``,
            ``preempted``, or ``unknown`` if the host does not show it.
        ticks_per_second: rate of a clock that differs between machines; None if the
            clock's name implies it.
        faults: sentences about errors in the slice; any fault makes it void.
        host_faults: sentences about errors of the host that say nothing about the sender;
            they make the slice void too.
        facts: other observations by name, as numbers or lines of text; stored beside
            the values unless the name is one of the core's own facts.
    """

    loops: int
    distributions: dict[str, Distribution] = attrs.field(validator=_known_series)
    counts: Counts
    partial: tuple[PartialSend, ...] = attrs.field(default=(), converter=_partial)
    assumed: dict[str, float] = attrs.field(factory=dict, validator=_PARTS)
    target_state: str = "halted"
    ticks_per_second: int | None = None
    faults: tuple[str, ...] = attrs.field(default=(), converter=_sentences)
    host_faults: tuple[str, ...] = attrs.field(default=(), converter=_sentences)
    facts: dict[str, str | int | float] = attrs.field(factory=dict, validator=_facts)
