"""The result of one slice: ticks and counts that a delivery measured."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import attrs

from pvbench.validators import ints

# Times since t0 of a burst; "wall" is the whole iteration with its loop overhead.
SERIES: Final = ("send", "irqoff", "deliver", "ack", "wall", "makespan")
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
        handlers: handler runs by CPU number.
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


@attrs.frozen(kw_only=True)
class Distribution:
    """Times of the single bursts of a slice, in ticks; `makespan` is of the whole slice."""

    p50: int
    p99: int
    maximum: int

    @classmethod
    def of(cls, values: Iterable[int]) -> Distribution:
        """The distribution of *values*, of which there is at least one."""
        ordered = sorted(values)
        last = len(ordered) - 1
        return cls(p50=ordered[last // 2], p99=ordered[last * 99 // 100], maximum=ordered[last])


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
        ticks: total ticks of each series over all bursts of the slice; series that
            this delivery does not measure are absent.
        samples: number of bursts in each total.
        distributions: of single bursts, by series.
        partial: sends to fewer targets than the burst has.
        assumed: part of each series' time that depends on assumed costs, 0 to 1;
            empty if times are measured.
        target_state: the proved state of the targets: ``halted``, ``running``,
            ``preempted``, or ``unknown`` if the host does not show it.
        ticks_per_second: rate of a clock that differs between machines; None if the
            clock's name implies it.
        faults: sentences about errors in the slice; any fault makes it void.
        facts: other observations by name, as numbers or lines of text; stored beside
            the values unless the name is one of the core's own facts.
    """

    loops: int
    ticks: dict[str, int]
    samples: dict[str, int]
    distributions: dict[str, Distribution]
    counts: Counts
    partial: tuple[PartialSend, ...] = attrs.field(default=(), converter=_partial)
    assumed: dict[str, float] = attrs.field(factory=dict, validator=_PARTS)
    target_state: str = "halted"
    ticks_per_second: int | None = None
    faults: tuple[str, ...] = attrs.field(default=(), converter=_sentences)
    facts: dict[str, str | int | float] = attrs.field(factory=dict, validator=_facts)
