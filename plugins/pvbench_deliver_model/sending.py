"""The sending side: what an op program costs its CPU, and when targets are served."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt
from pvbench_deliver_model.profile import Profile

from pvbench.decode import Decoder, Route, Sends
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
    WrMsr,
)
from pvbench.topology import Guest
from pvbench.x86.apic import NMI_VECTOR

I64 = npt.NDArray[np.int64]


@attrs.frozen(eq=False)
class Arrivals:
    """Interrupts of one vector: when (from the program's start) they reach which CPU."""

    vector: int
    at: I64
    cpus: I64


@attrs.frozen(kw_only=True)
class Timeline:
    """
    One execution of a program, times from its start.

    Args:
        irqoff_ps: from the first IrqSave to the last IrqRestore; None without.
    """

    arrivals: list[Arrivals]
    send_ps: int
    irqoff_ps: int | None
    icr_writes: int
    hypercalls: int
    returned: int
    exits: int


class Sending:
    """Costs of ops on one CPU of a guest."""

    def __init__(self, guest: Guest, source: int, profile: Profile) -> None:
        self._decoder = Decoder(guest, source)
        self._profile = profile
        self._vcpus = len(guest.apic_ids)
        ps = profile.ps
        access = ps("apic_access" if profile.apicv else "mmio_exit")
        self._op_ps: dict[type[Op], int] = {
            IrqSave: ps("irq_toggle"),
            IrqRestore: ps("irq_toggle"),
            Fence: ps("fence"),
            WriteMem: ps("store"),
            WaitIcrIdle: access,
            MmioWrite: access,
        }
        self._access_exits = int(not profile.apicv)
        self._scan_ps = ps("scan_cpu")
        self._entry_share = profile.ratios["exit_entry_share"].ps

    def run(self, program: Program) -> Timeline:
        """Decode and execute *program*."""
        clock = position = icr_writes = hypercalls = returned = exits = 0
        saved: int | None = None
        restored: int | None = None
        arrivals: list[Arrivals] = []
        for send in [*self._decoder.sends(program), None]:
            stop = len(program) if send is None else send.first
            for op in program[position:stop]:
                kind = type(op)
                if kind is IrqSave and saved is None:
                    saved = clock
                clock += self._scan_ps * op.cpus if kind is Scan else self._op_ps[kind]  # type: ignore[union-attr]
                if kind is IrqRestore:
                    restored = clock
                elif kind in (WaitIcrIdle, MmioWrite):
                    exits += self._access_exits
            if send is None:
                break
            position = send.first + send.ops
            sender = type(program[send.first])
            exit_ps, exiting = self._exit(send, sender)
            clock = self._serve(send, clock, exit_ps, arrivals)
            exits += send.ops * exiting
            if sender is Hypercall:
                hypercalls += 1
                returned += send.result or 0
            else:
                icr_writes += send.ops
        return Timeline(
            arrivals=_merged(arrivals),
            send_ps=clock,
            irqoff_ps=None if saved is None or restored is None else restored - saved,
            icr_writes=icr_writes,
            hypercalls=hypercalls,
            returned=returned,
            exits=exits,
        )

    def _serve(
        self, send: Sends, clock: int, exit_ps: int, arrivals: list[Arrivals]
    ) -> int:
        """Serve the targets of *send*, begun at *clock*; returns its end."""
        hits = len(send.cpus)
        per_hit = self._per_hit(send.route)
        if hits:
            at = np.arange(1, hits + 1) * per_hit
            at += clock + int(exit_ps * self._entry_share)
            if send.op_of_hit is not None:
                at += send.op_of_hit * exit_ps
            arrivals.append(Arrivals(send.vector, at, send.cpus))
        passed_over = self._vcpus - hits if send.route is Route.BROADCAST else 0
        asked = passed_over * self._profile.ps("match_vcpu")
        return clock + exit_ps * send.ops + per_hit * hits + asked

    def _per_hit(self, route: Route) -> int:
        ps = self._profile.ps
        extra = {Route.LOGICAL: "deliver_logical", Route.BROADCAST: "match_vcpu"}
        return ps("deliver_target") + (ps(extra[route]) if route in extra else 0)

    def _exit(self, send: Sends, sender: type[Op]) -> tuple[int, bool]:
        """(cost in ps, does it exit) of one op of *send*."""
        profile, ps = self._profile, self._profile.ps
        if sender is Hypercall:
            return ps("hypercall"), True
        if send.route is Route.FAULT:
            return ps("fault"), True
        if send.route is Route.SELF and profile.apicv:
            return ps("apic_access"), False
        if sender is MmioWrite:
            return ps("icr_write") + ps("xapic_surcharge"), True
        fast = profile.icr_fastpath == "any" or (
            profile.icr_fastpath == "physical"
            and send.route is Route.PHYSICAL
            and send.vector != NMI_VECTOR
        )
        return ps("icr_write_fastpath" if fast else "icr_write"), sender is WrMsr


def _merged(arrivals: list[Arrivals]) -> list[Arrivals]:
    """Neighbours of one vector as one."""
    if len(arrivals) < 2 or len({a.vector for a in arrivals}) > 1:  # noqa: PLR2004
        return arrivals
    at = np.concatenate([a.at for a in arrivals])
    cpus = np.concatenate([a.cpus for a in arrivals])
    return [Arrivals(arrivals[0].vector, at, cpus)]
