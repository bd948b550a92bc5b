"""What a lab adds to the description of a delivery: its clock, and what it cannot show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from pvbench.delivery import Clock, Description
from pvbench.host import pv_ipi_abi
from pvbench_site_lab.address import ICOUNT, TSC, Address

TICKS_PER_SECOND: Final = 10**9  # of icount: QEMU counts virtual nanoseconds
_CLOCKS: Final = {
    ICOUNT: Clock("icount", TICKS_PER_SECOND, "near-exact"),
    TSC: Clock("tsc", None, "none"),
}

# The agent sets this parameter for each boot, and a boot has it as a fact.
_OF_BOOTS: Final = f"kvm.{pv_ipi_abi.PARAMETER.name}"

_ALWAYS: Final = (
    "The processor is emulated by QEMU: it has no AVIC and no IPI virtualization, and no "
    "NRIPS, so KVM has no fast path for IPIs there."
)
_ICOUNT_NOTES: Final = (
    "A world switch costs nearly nothing there: every instruction counts as 2 ns.",
)
_TSC_NOTES: Final = (
    "Times there depend on the load of the machine that emulates it, so only counts are shown.",
)


def described_in_lab(
    description: Description, address: Address, facts: Mapping[str, str]
) -> Description:
    """*description* as the lab answered it, with the lab's clock, notes and facts."""
    is_icount = address.clock == ICOUNT
    host = {name: fact for name, fact in description.host.items() if name != _OF_BOOTS}
    notes = _ICOUNT_NOTES if is_icount else _TSC_NOTES
    return attrs.evolve(
        description,
        clock=_CLOCKS[address.clock],
        notes=(*description.notes, _ALWAYS, *notes),
        host=host | dict(facts),
        advice=(),  # settings of an emulated machine are the lab's
    )
