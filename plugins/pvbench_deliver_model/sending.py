"""The sending side: the cost of a program to its CPU, and when targets are served."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import attrs
import numpy as np

from pvbench.decode.decoder import Decoder
from pvbench.decode.sends import Route, Sends
from pvbench.guest import Guest
from pvbench.ops import (
    Fence,
    Hypercall,
    IrqRestore,
    IrqSave,
    MmioWrite,
    Op,
    Program,
    Scan,
    WaitIcrIdle,
    WriteMem,
)
from pvbench.x86.apic import NMI_VECTOR
from pvbench_deliver_model.arrays import I64, Flags
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.op_cost import OpCost, op_cost

# Routes whose op names each CPU at most once: bitmaps, broadcasts, self.
_DISTINCT = frozenset({Route.HYPERCALL, Route.BROADCAST, Route.SELF, Route.SELF_REGISTER})


class Arrivals(NamedTuple):
    """
    Interrupts of one vector.

    Args:
        at: times at which they reach their CPU, ascending.
        distinct: whether it is known that no CPU occurs twice.
    """

    vector: int
    at: I64
    cpus: I64
    distinct: bool = False


@attrs.define(eq=False)
class Timeline:
    """
    One execution of a program.

    Args:
        end: time of the last op's end.
        irqs_off: time at which interrupts were first disabled; None if never.
        irqs_on: time at which interrupts were last enabled.
        raised: the number of the first op that raised #GP; None if none did.
    """

    end: int
    irqs_off: int | None = None
    irqs_on: int = 0
    raised: int | None = None
    arrivals: list[Arrivals] = attrs.field(factory=list)
    icr_writes: int = 0
    hypercalls: int = 0
    returned: int = 0
    exits: int = 0


class Sending:
    """The costs of ops on one CPU of a guest."""

    def __init__(
        self,
        guest: Guest,
        source: int,
        cost_profile: CostProfile,
        not_running: Callable[[I64, I64], Flags],
    ) -> None:
        self._decoder = Decoder(guest, source)
        self._not_running = not_running if cost_profile.local_apic == "avic" else None
        self._vcpus = len(guest.apic_ids)
        ps = cost_profile.ps
        emulated = cost_profile.local_apic == "emulated"
        access = ps("mmio_exit" if emulated else "apic_access")
        self._op_ps: dict[type[Op], int] = {
            IrqSave: ps("irq_toggle"),
            IrqRestore: ps("irq_toggle"),
            Fence: ps("fence"),
            WriteMem: ps("store"),
            WaitIcrIdle: access,
            MmioWrite: access,
        }
        self._access_exits = int(emulated)
        self._scan_ps = ps("scan_cpu")
        self._entry_share = cost_profile.ratios["exit_entry_share"].ps
        self._direct_share = cost_profile.ratios["direct_entry_share"].ps
        self._per_hit = dict.fromkeys(Route, ps("deliver_target"))
        self._per_hit[Route.LOGICAL] += ps("deliver_logical")
        self._per_hit[Route.BROADCAST] += ps("match_vcpu")
        self._match_ps = ps("match_vcpu")
        self._deliver_ps, self._direct_hit_ps = ps("deliver_target"), ps("deliver_direct")
        self._incomplete_ps = ps("avic_incomplete")
        self._cost_profile = cost_profile
        self._costs: dict[tuple[type[Op], Route, bool], OpCost] = {}

    def begin(self, disabled: frozenset[int]) -> None:
        """See `Decoder.begin`."""
        self._decoder.begin(disabled)

    def run(self, program: Program, start: int) -> Timeline:
        """Decode *program* and execute it from *start* on."""
        line = Timeline(end=start)
        position = 0
        for send in self._decoder.sends(program):
            self._between(program[position : send.first], line)
            self._send(send, type(program[send.first]), line)
            position = send.first + send.ops
        self._between(program[position:], line)
        line.arrivals = _merged(line.arrivals)
        return line

    def _between(self, ops: Program, line: Timeline) -> None:
        """Execute ops that send no interrupt."""
        for op in ops:
            kind = type(op)
            if kind is IrqSave and line.irqs_off is None:
                line.irqs_off = line.end
            if isinstance(op, Scan):
                line.end += self._scan_ps * op.cpus
            else:
                line.end += self._op_ps[kind]
            if kind is IrqRestore:
                line.irqs_on = line.end
            elif kind in (WaitIcrIdle, MmioWrite):
                line.exits += self._access_exits

    def _send(self, send: Sends, sender: type[Op], line: Timeline) -> None:
        if send.raises and line.raised is None:
            line.raised = send.first
        cost = self._cost(sender, send.route, send.vector == NMI_VECTOR)
        if cost.direct:
            self._serve_direct(send, cost.ps, line)
        else:
            line.end = self._serve(send, line.end, cost.ps, line.arrivals)
            line.exits += send.ops * cost.exits
        if sender is Hypercall:
            line.hypercalls += 1
            line.returned += send.result or 0
        else:
            line.icr_writes += send.ops

    def _cost(self, sender: type[Op], route: Route, nmi: bool) -> OpCost:
        key = sender, route, nmi
        if key not in self._costs:
            self._costs[key] = op_cost(self._cost_profile, sender, route, nmi=nmi)
        return self._costs[key]

    def _serve(self, send: Sends, clock: int, exit_ps: int, arrivals: list[Arrivals]) -> int:
        """Serve the targets of *send* in exits from *clock* on; return the end."""
        hits = len(send.cpus)
        per_hit = self._per_hit[send.route]
        if hits:
            first = clock + int(exit_ps * self._entry_share) + per_hit
            hit_times = np.arange(hits) * per_hit
            hit_times += first
            if send.op_of_hit is not None:
                hit_times += send.op_of_hit * exit_ps
            distinct = send.route in _DISTINCT
            arrivals.append(Arrivals(send.vector, hit_times, send.cpus, distinct))
        end = clock + exit_ps * send.ops + per_hit * hits
        if send.route is Route.BROADCAST:
            end += (self._vcpus - hits) * self._match_ps
        return end

    def _serve_direct(self, send: Sends, write_ps: int, line: Timeline) -> None:
        """Let the processor serve the targets; AVIC exits once for those not running."""
        op = np.zeros(len(send.cpus), np.int64) if send.op_of_hit is None else send.op_of_hit
        rank = np.arange(len(op)) - op.searchsorted(op)
        entry = int(write_ps * self._direct_share)
        after = entry + self._direct_hit_ps * (rank + 1)  # since the start of the op
        took = write_ps + self._direct_hit_ps * np.bincount(op, minlength=send.ops)
        if self._not_running is not None and len(op):
            late = self._late(send.cpus, line.end, op, after, took)
            if np.count_nonzero(late):
                after, took, exits = self._exit_for(op, late, after, took)
                line.exits += exits
        start = line.end + took.cumsum() - took
        line.end += int(took.sum())
        if len(op):
            arrival_times = start[op] + after
            order = arrival_times.argsort(kind="stable")
            distinct = send.route in _DISTINCT
            line.arrivals.append(
                Arrivals(send.vector, arrival_times[order], send.cpus[order], distinct)
            )

    def _late(self, cpus: I64, clock: int, op: I64, after: I64, took: I64) -> Flags:
        """
        Return which targets do not run when their op, begun at *clock* or later, serves them.

        An exit delays the ops after it, so all are tested again until the result is
        stable; each round fixes the result of at least one more op.
        """
        assert self._not_running is not None  # noqa: S101 - the caller has checked
        late = np.zeros(len(op), np.bool_)
        longer = took
        while True:
            start = clock + longer.cumsum() - longer
            absent = self._not_running(cpus, start[op] + after)
            if not np.count_nonzero(absent != late):
                return late
            late = absent
            _, longer, _ = self._exit_for(op, late, after, took)

    def _exit_for(self, op: I64, late: Flags, after: I64, took: I64) -> tuple[I64, I64, int]:
        """
        Add the exits in which KVM wakes the targets that are *late*.

        Returns:
            *after* and *took* with these exits, and the number of exits.
        """
        woken = np.bincount(op[late], minlength=len(took))
        rank = late.cumsum() - 1
        rank -= np.concatenate(([0], woken.cumsum()))[op]
        entry = int(self._incomplete_ps * self._entry_share)
        waits = took[op] + entry + self._deliver_ps * (rank + 1)
        longer = took + (woken > 0) * self._incomplete_ps + woken * self._deliver_ps
        return np.where(late, waits, after), longer, int(np.count_nonzero(woken))


def _merged(arrivals: list[Arrivals]) -> list[Arrivals]:
    """Join all arrivals to one if they have the same vector."""
    if len(arrivals) < 2 or len({a.vector for a in arrivals}) > 1:
        return arrivals
    arrival_times = np.concatenate([a.at for a in arrivals])
    cpus = np.concatenate([a.cpus for a in arrivals])
    return [Arrivals(arrivals[0].vector, arrival_times, cpus)]
