"""What a delivery saw: ticks and counts of one slice."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import attrs

from pvbench.validators import ints

# Times from t0 of a burst; "wall" is the whole iteration, loop overhead included.
SERIES: Final = ("send", "irqoff", "deliver", "ack", "wall", "makespan")
_COUNT: Final = attrs.validators.optional(attrs.validators.instance_of(int))


@attrs.frozen(kw_only=True)
class Counts:
    """
    Counts of one slice.

    Exact, judged by equality: `icr_writes`, `hypercalls`, `returned`, `handlers`,
    `coalesced`, `functions`.  Observed, only reported: `exits`, `wakeups_polled`,
    `wakeups_blocked`.  None is unknown: this host cannot show it.

    Args:
        icr_writes: writes that send through the local APIC.
        hypercalls: hypercalls that ask for interrupts.
        returned: sum of what these hypercalls returned.
        handlers: handler runs by CPU number.
        coalesced: sends that met an interrupt still pending, by CPU number.  Where
            it is None, fewer handler runs than sends may be either that or a loss.
        functions: requests worked off by CPU number; as `handlers` for ``bare``.
        exits: exits of the sending CPUs.
        wakeups_polled: halted targets caught by halt polling.
        wakeups_blocked: halted targets that had to be scheduled.
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
    """Single bursts of a slice, in ticks; `makespan` is one of the whole slice."""

    p50: int
    p99: int
    maximum: int


@attrs.frozen(kw_only=True)
class PartialSend:
    """A `csd` burst that sent to *cpus* only, because other lists were not empty."""

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
    """What a result file can hold."""
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
        ticks: total ticks of each series over all bursts of the slice; a
            series that does not exist here is absent.
        samples: how many bursts each total is over.
        distributions: of single bursts, by series.
        partial: sends to fewer targets than asked for.
        assumed: part of each series' time that rests on assumed numbers, 0 to 1;
            empty where times are measured.
        target_state: what the targets were proved to be: ``halted``,
            ``running``, ``preempted``, or ``unknown`` where the host does not tell.
        ticks_per_second: of a clock that differs between machines; None if the
            clock's name tells.
        faults: sentences about what went wrong in it; any makes it void.
        facts: what else was seen, by name, as numbers or lines of text; stored beside
            the values, if the name is not one of the core's own facts.
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
