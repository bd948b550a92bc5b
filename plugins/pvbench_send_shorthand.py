"""
Self, all and all-but-self by destination shorthand: one write without a destination.

Follows Linux since 5.4, arch/x86/kernel/apic/ipi.c, apic_send_IPI_allbutself().
The reviewer of the PV IPI patch suggested it as the alternative.
"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.sender import Apic, Ops, Sender
from pvbench.sequences import x2apic_shorthand, xapic_shorthand

pvbench_api = 1


class Shorthand(Sender):
    name = "shorthand"
    summary = "self, all and all-but-self by destination shorthand"
    mechanism = "shorthand"

    def send_IPI_allbutself(self, apic: Apic, vector: int) -> Ops:
        return _send(apic, "allbutself", vector)

    def send_IPI_all(self, apic: Apic, vector: int) -> Ops:
        return _send(apic, "all", vector)

    def send_IPI_self(self, apic: Apic, vector: int) -> Ops:
        return _send(apic, "self", vector)


def _send(apic: Apic, shorthand: str, vector: int) -> Ops:
    if apic.guest.apic_mode == "xapic":
        return xapic_shorthand(shorthand, vector)
    return x2apic_shorthand(apic, shorthand, vector)


@hookimpl
def pvbench_senders() -> list[Sender]:
    return [Shorthand()]
