"""The sending side: the cost of a program to its CPU, and when targets are served."""

from __future__ import annotations

import numpy as np

from pvbench.decode.decoder import Decoder
from pvbench.decode.sends import Route, Sends
from pvbench.guest import Guest
from pvbench.ops import (
    Cpuid,
    Fence,
    Hypercall,
    IrqRestore,
    IrqSave,
    MmioWrite,
    Op,
    Program,
    RdMsr,
    Scan,
    WaitIcrIdle,
    WriteMem,
)
from pvbench.x86.apic import NMI_VECTOR
from pvbench_deliver_model.arrays import I64
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.direct import DirectSends
from pvbench_deliver_model.op_cost import OpCost, op_cost, other_cost
from pvbench_deliver_model.receivers import Receivers
from pvbench_deliver_model.timeline import DISTINCT, Arrivals, Timeline
from pvbench_deliver_model.wakes import Wakes

_OTHERS = (Cpuid, RdMsr)


class Sending:
    """The costs of ops on one CPU of a guest."""

    def __init__(
        self,
        guest: Guest,
        source: int,
        cost_profile: CostProfile,
        receivers: Receivers,
    ) -> None:
        self._decoder = Decoder(guest, source)
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
        self._other = other_cost(cost_profile)
        self._scan_ps = ps("scan_cpu")
        self._entry_share = cost_profile.ratios["exit_entry_share"].ps
        self._per_hit = dict.fromkeys(Route, ps("deliver_target"))
        self._per_hit[Route.LOGICAL] += ps("deliver_logical")
        self._hit_times: dict[Route, I64] = {}
        self._per_hit[Route.BROADCAST] += ps("match_vcpu")
        self._match_ps = ps("match_vcpu")
        self._read_ps = ps("guest_read")
        self._wakes = Wakes(ps("wake_sender"), receivers)
        self._direct = DirectSends(source, cost_profile, receivers)
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
        self._wakes.pay(line)
        return line

    def _between(self, ops: Program, line: Timeline) -> None:
        """Execute ops that send no interrupt."""
        for op in ops:
            kind = type(op)
            if kind is IrqSave and line.irqs_off is None:
                line.irqs_off = line.end
            if isinstance(op, Scan):
                line.end += self._scan_ps * op.cpus
            elif kind in _OTHERS:
                line.end += self._other.ps
                line.exits += self._other.exits
            else:
                line.end += self._op_ps[kind]
            if kind is IrqRestore:
                line.irqs_on = line.end
            elif kind is WriteMem:
                line.wrote = True
            elif kind in (WaitIcrIdle, MmioWrite):
                line.exits += self._access_exits

    def _send(self, send: Sends, sender: type[Op], line: Timeline) -> None:
        if send.raises and line.raised is None:
            line.raised = send.first
        cost = self._cost(sender, send.route, send.vector == NMI_VECTOR)
        if sender is Hypercall and line.wrote:
            cost, line.wrote = cost._replace(ps=cost.ps + self._read_ps), False
        if cost.direct:
            self._direct.serve(send, cost.ps, line)
        else:
            line.end = self._serve(send, line.end, cost.ps, line.arrivals)
            line.exits += send.ops * cost.exits
        if sender is Hypercall:
            line.hypercalls += 1
            line.returned += send.result or 0
        elif send.route is not Route.NOTHING:
            line.icr_writes += send.ops

    def _cost(self, sender: type[Op], route: Route, nmi: bool) -> OpCost:
        key = sender, route, nmi
        if key not in self._costs:
            self._costs[key] = op_cost(self._cost_profile, sender, route, nmi=nmi)
        return self._costs[key]

    def _after_first(self, route: Route, hits: int) -> I64:
        """How long after the first of *hits* targets each of them is served."""
        times = self._hit_times.get(route)
        if times is None or len(times) < hits:
            times = self._hit_times[route] = np.arange(hits) * self._per_hit[route]
        return times[:hits]

    def _serve(self, send: Sends, clock: int, exit_ps: int, arrivals: list[Arrivals]) -> int:
        """Serve the targets of *send* in exits from *clock* on; return the end."""
        hits = len(send.cpus)
        per_hit = self._per_hit[send.route]
        if hits:
            first = clock + int(exit_ps * self._entry_share) + per_hit
            hit_times = self._after_first(send.route, hits) + first
            if send.op_of_hit is not None:
                hit_times += send.op_of_hit * exit_ps
            distinct = send.route in DISTINCT
            arrivals.append(Arrivals(send.vector, hit_times, send.cpus, distinct, in_exit=True))
        end = clock + exit_ps * send.ops + per_hit * hits
        if send.route is Route.BROADCAST:
            end += (self._vcpus - hits) * self._match_ps
        return end
