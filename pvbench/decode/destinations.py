"""From the destination fields of an ICR write to the CPUs that they name."""

from __future__ import annotations

import numpy as np

from pvbench.decode.apic_ids import Cpus, look_up_table
from pvbench.decode.logical import hashed, members
from pvbench.decode.sends import Route, Sends, one
from pvbench.guest import Guest
from pvbench.x86.apic import (
    APIC_DEST_ALLBUT,
    APIC_DEST_ALLINC,
    APIC_DEST_LOGICAL,
    APIC_DEST_SELF,
    APIC_DM_LOWEST,
    APIC_MODE_MASK,
    SHORTHAND_MASK,
    X2APIC_BROADCAST,
    XAPIC_BROADCAST,
)


class Destinations:
    """The CPUs of a guest as destinations of the CPU *source*."""

    def __init__(self, guest: Guest, source: int) -> None:
        self.all_cpus = np.arange(len(guest.apic_ids), dtype=np.int64)
        self.look_up = look_up_table(guest.apic_ids)
        is_x2apic = guest.apic_mode == "x2apic"
        self._look_up_logical = look_up_table(guest.logical) if is_x2apic else self.look_up
        self._guest, self._source = guest, source
        self._broadcast_id = X2APIC_BROADCAST if is_x2apic else XAPIC_BROADCAST
        self._others = np.delete(self.all_cpus, source)

    def sends(self, first: int, low: int, vector: int, destinations: Cpus) -> list[Sends]:
        """Decode ICR writes with the low word *low*, one for each of *destinations*."""
        count = len(destinations)
        if low & APIC_MODE_MASK == APIC_DM_LOWEST:
            return [self._lowest(first + i, low, vector, destinations[i]) for i in range(count)]
        if low & SHORTHAND_MASK:
            return [self._shorthand(first + i, low, vector) for i in range(count)]
        broadcast = destinations == self._broadcast_id
        if not np.count_nonzero(broadcast):
            return [self._addressed(first, low, vector, destinations)]
        return [
            one(first + i, Route.BROADCAST, vector, self.all_cpus)
            if broadcast[i]
            else self._addressed(first + i, low, vector, destinations[i : i + 1])
            for i in range(count)
        ]

    def _lowest(self, first: int, low: int, vector: int, destination: int) -> Sends:
        """Decode a lowest-priority message; one to physical 0xff is made a fixed one."""
        shorthand = low & SHORTHAND_MASK
        logical = bool(low & APIC_DEST_LOGICAL)
        if shorthand == APIC_DEST_SELF:
            return self.to_self(first, vector, Route.SELF)
        if shorthand or destination == self._broadcast_id:
            cpus = self._others if shorthand == APIC_DEST_ALLBUT else self.all_cpus
            if (logical or destination != XAPIC_BROADCAST) and len(cpus):
                cpus = cpus[[vector % len(cpus)]]
            return one(first, Route.BROADCAST, vector, cpus)
        if logical:
            destination = hashed(int(destination), vector, self._guest)
        return self._addressed(first, low, vector, np.array([destination]))

    def _shorthand(self, first: int, low: int, vector: int) -> Sends:
        shorthand = low & SHORTHAND_MASK
        if shorthand == APIC_DEST_SELF:
            return self.to_self(first, vector, Route.SELF)
        cpus = {APIC_DEST_ALLINC: self.all_cpus, APIC_DEST_ALLBUT: self._others}
        return one(first, Route.BROADCAST, vector, cpus[shorthand])

    def to_self(self, first: int, vector: int, route: Route) -> Sends:
        return one(first, route, vector, np.array([self._source]))

    def _addressed(self, first: int, low: int, vector: int, destinations: Cpus) -> Sends:
        if low & APIC_DEST_LOGICAL:
            route, (op_of_hit, ids) = Route.LOGICAL, members(destinations, self._guest)
            cpus, exist = self._look_up_logical(ids)
        else:
            route, op_of_hit = Route.PHYSICAL, np.arange(len(destinations))
            cpus, exist = self.look_up(destinations)
        if exist is not None:
            op_of_hit = op_of_hit[exist]
        return Sends(
            first=first,
            ops=len(destinations),
            route=route,
            vector=vector,
            cpus=cpus,
            op_of_hit=op_of_hit if len(destinations) > 1 else None,
        )
