"""The tables of `pvbench replay`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pvbench.document import Block, Cell, Column, Field, Role, Table, table_of
from pvbench.replay import shares
from pvbench.replay.replayed import Replayed, Result
from pvbench.replay.shares import Calls, Site, Size
from pvbench.replay.totals import Totals, change_of_rest
from pvbench.report import quantities
from pvbench.sender import Stack
from pvbench.text import percent

_MOST_SITES: Final = 12
_UNKNOWN: Final = "-"


def blocks(replayed: Replayed) -> Iterator[Block]:
    """Mask sizes, callsites, wanted and sent calls, senders, and the sensitivity."""
    recording = replayed.recording
    others = len(replayed.guest.online) - 1
    sizes = shares.sizes(replayed.sent, others)
    if not sizes:
        return
    yield table_of(_SIZES, sizes, name="sizes", title="Targets of a send:", in_csv=False)
    sites = _shortened(shares.sites(recording))
    yield table_of(_SITES, sites, name="callsites", title="Callsites:", in_csv=False)
    if calls := shares.wanted_and_sent(recording, others):
        rows = list(zip(("wanted", "sent"), calls, strict=True))
        title = "Function calls, before and after coalescing:"
        yield table_of(_CALLS, rows, name="calls", title=title, in_csv=False)
    yield table_of(_stacks(replayed), replayed.totals, name="stacks", title=_title(replayed))
    if replayed.main:
        title = f"{replayed.main.overlaid.stack.name} under other conditions:"
        yield table_of(_RESULTS, replayed.others, name="sensitivity", title=title)


def of_several(replays: Sequence[Replayed]) -> Iterator[Block]:
    """One table, workload by sender: how each changes the sending time of multicasts."""
    if not replays:
        return
    base = replays[0].base.stack
    stacks = [totals.stack for totals in replays[0].totals]
    titles = [_short(stack, base) for stack in stacks]
    columns = (
        Column("workload", "workload"),
        *(Column(s.name, t, Role.VALUE) for s, t in zip(stacks, titles, strict=True)),
    )
    rows = tuple(
        (Cell(one.name), *(_change(change_of_rest(t, one.base)) for t in one.totals))
        for one in replays
    )
    title = f"Change of the sending time of multicasts, from {base.name}:"
    yield Table(name="changes", columns=columns, rows=rows, title=title, is_matrix=True)
    for one in replays:
        context = ((Column("workload", "workload"), Cell(one.name)),)
        yield table_of(_stacks(one), one.totals, name="stacks", context=context, in_text=False)


def _short(stack: Stack, base: Stack) -> str:
    """The name of a stack, without the driver that all overlays share."""
    return stack.overlay.name if stack.overlay and stack.driver == base.driver else stack.name


def _title(replayed: Replayed) -> str:
    question = replayed.question
    return (
        f"Senders with costs {question.machine.costs}, "
        f"{question.machine.target_state} targets, Linux {question.linux.name}, "
        f"guest {replayed.guest.name}:"
    )


def _shortened(sites: Sequence[Site]) -> list[Site]:
    """The first callsites; the others are one row."""
    others = sites[_MOST_SITES:]
    if len(others) < 2:
        return list(sites)
    rest = Site(
        f"{len(others)} others",
        sum(site.sends for site in others),
        sum(site.interrupts for site in others),
        sum(site.unicasts for site in others),
    )
    return [*sites[:_MOST_SITES], rest]


def _number(value: int | None) -> Cell:
    return Cell(value, _UNKNOWN if value is None else str(value))


def _part(value: float | None) -> Cell:
    return Cell(value, _UNKNOWN if value is None else percent(value))


def _change(value: float | None) -> Cell:
    return Cell(value, _UNKNOWN if value is None else signed(value))


def signed(change: float) -> str:
    """A change as a percentage with its sign."""
    return f"{100 * change:+.3g} %" if round(change, 5) else "0 %"


_SIZES: Final = [
    Field[Size](
        Column("targets", "targets"),
        lambda s: Cell(
            [s.low, s.high], str(s.low) if s.low == s.high else f"{s.low} to {s.high}"
        ),
    ),
    Field[Size](Column("sends", "sends", Role.VALUE), lambda s: Cell(s.sends)),
    Field[Size](Column("interrupts", "interrupts", Role.VALUE), lambda s: Cell(s.interrupts)),
]
_SITES: Final = [
    Field[Site](Column("callsite", "callsite"), lambda s: Cell(s.name)),
    Field[Site](Column("sends", "sends", Role.VALUE), lambda s: Cell(s.sends)),
    Field[Site](Column("interrupts", "interrupts", Role.VALUE), lambda s: Cell(s.interrupts)),
    Field[Site](
        Column("unicast_share", "one target", Role.VALUE),
        lambda s: _part(s.unicasts / s.sends),
    ),
]
_CALLS: Final = [
    Field[tuple[str, Calls]](Column("calls", "calls"), lambda c: Cell(c[0])),
    Field[tuple[str, Calls]](
        Column("bursts", "bursts", Role.VALUE), lambda c: Cell(c[1].bursts)
    ),
    Field[tuple[str, Calls]](
        Column("targets", "targets", Role.VALUE), lambda c: Cell(c[1].targets)
    ),
    Field[tuple[str, Calls]](
        Column("to_all", "to all others", Role.VALUE), lambda c: Cell(c[1].to_all)
    ),
]
_RESULTS: Final = [
    Field[Result](
        Column("", "condition", csv="condition"),
        lambda r: Cell({"axis": r.axis, "value": r.value}, f"{r.axis} {r.value}"),
    ),
    Field[Result](
        Column("rest_share", "part of sending", Role.VALUE),
        lambda r: _part(r.base.rest_share),
    ),
    Field[Result](Column("change", "change", Role.VALUE), lambda r: _change(r.change)),
    Field[Result](
        Column("hypercalls", "hypercalls", Role.VALUE), lambda r: _number(r.overlaid.hypercalls)
    ),
    Field[Result](Column("lost_ipis", "lost", Role.VALUE), lambda r: _number(r.overlaid.lost)),
    Field[Result](
        Column("why", "why not", Role.DATA), lambda r: Cell(r.overlaid.why or r.base.why)
    ),
]


def _stacks(replayed: Replayed) -> list[Field[Totals]]:
    base = replayed.base

    def time(totals: Totals) -> Cell:
        if totals.send_s is None:
            return Cell(None, _UNKNOWN)
        return Cell(totals.send_s, quantities.seconds(totals.send_s))

    return [
        Field(Column("stack", "stack"), lambda t: Cell(t.stack.name)),
        Field(Column("icr_writes", "ICR writes", Role.VALUE), lambda t: _number(t.icr_writes)),
        Field(Column("hypercalls", "hypercalls", Role.VALUE), lambda t: _number(t.hypercalls)),
        Field(Column("exits", "exits", Role.VALUE), lambda t: _number(t.exits)),
        Field(Column("lost_ipis", "lost", Role.VALUE), lambda t: _number(t.lost)),
        Field(Column("send_s", "sending", Role.VALUE), time),
        Field(Column("assumed", "assumed", Role.VALUE), lambda t: _part(t.assumed)),
        Field(
            Column("change_of_rest", "change", Role.DATA),
            lambda t: _change(change_of_rest(t, base)),
        ),
        Field(Column("why", "why not", Role.DATA), lambda t: Cell(t.why)),
    ]
