"""The cost of an op that sends, and whether the local APIC lets it exit."""

from __future__ import annotations

from typing import NamedTuple

from pvbench.decode.sends import Route
from pvbench.ops import Hypercall, MmioWrite, Op
from pvbench_deliver_model.cost_profile import CostProfile
from pvbench_deliver_model.host_era import icr_fastpath


class OpCost(NamedTuple):
    """
    The cost of an op that sends, without its targets.

    Args:
        direct: whether the processor serves the targets without an exit of this op.
    """

    ps: int
    exits: bool
    direct: bool = False


def op_cost(cost_profile: CostProfile, sender: type[Op], route: Route, *, nmi: bool) -> OpCost:
    """Return the cost of an op that sends by *route* on this local APIC."""
    ps, local_apic = cost_profile.ps, cost_profile.local_apic
    if sender is Hypercall:
        return OpCost(ps("hypercall"), exits=True)
    if route in (Route.NOTHING, Route.FAULT):
        return other_cost(cost_profile, "fault" if route is Route.FAULT else "exit")
    by_register = route is Route.SELF_REGISTER or (sender is MmioWrite and route is Route.SELF)
    if by_register and local_apic != "emulated" and not nmi:
        return OpCost(ps("apic_access"), exits=False, direct=True)
    if _is_direct(local_apic, route, nmi=nmi):
        extra = ps("xapic_surcharge_direct") if sender is MmioWrite else 0
        return OpCost(ps("icr_direct") + extra, exits=False, direct=True)
    if sender is MmioWrite:
        return OpCost(ps("icr_write") + ps("xapic_surcharge"), exits=True)
    fast = {
        "none": False,
        "physical": route is Route.PHYSICAL and not nmi,
        # destinations that the APIC map can look up
        "any": route in (Route.PHYSICAL, Route.LOGICAL, Route.SELF),
    }[icr_fastpath(cost_profile)]
    return OpCost(ps("icr_write_fastpath" if fast else "icr_write"), exits=True)


def other_cost(cost_profile: CostProfile, name: str = "exit") -> OpCost:
    """Return the cost *name* of an instruction that sends nothing; bare metal has no exits."""
    is_bare = cost_profile.local_apic == "bare"
    name = "apic_access" if is_bare and name == "exit" else name
    return OpCost(cost_profile.ps(name), exits=not is_bare)


def _is_direct(local_apic: str, route: Route, *, nmi: bool) -> bool:
    """Whether the ICR write itself does not exit; see LOCAL_APICS in `cost_profile`."""
    if local_apic == "bare":
        return True
    if nmi:
        return False
    if local_apic in ("avic", "avic-exits"):
        return True
    return local_apic == "ipiv" and route is Route.PHYSICAL
