"""
Sends without an exit: AVIC, IPI virtualization and bare metal.

Costs are those of `support.model.ROUND`: direct ICR write 250, xAPIC 60 more, target
30; AVIC's exit 1200, half of it before the first of its targets, 100 each; APIC
access 8.  All begin at 1000.
"""

from __future__ import annotations

import pytest

from pvbench.ops import IrqRestore, IrqSave, MmioWrite, Op, WaitIcrIdle, WrMsr
from pvbench_deliver_model.timeline import Timeline
from support.model import (
    ALL_BUT_SELF,
    ICR,
    ICR2,
    NMI_TO_CPU_2,
    NMI_TO_SELF,
    PV_CALL,
    SELF_REGISTER,
    SELF_SHORTHAND,
    TO_CLUSTER,
    TO_CPU_2,
    TO_CPU_3,
    TO_EVERYBODY,
    XAPIC_NMI_TO_SELF,
    line_of,
    served,
)

Hits = list[tuple[int, int]]

TO_CPU_1 = WrMsr(0x830, 1 << 32 | 0xFC)
TO_NOBODY = WrMsr(0x830, 9 << 32 | 0xFC)
NMI_TO_CLUSTER = WrMsr(0x830, 0b1110 << 32 | 0xC00)
NMI_TO_ALL_BUT_SELF = WrMsr(0x830, 0xC_0400)
FLAT_ICR2, FLAT_ICR = MmioWrite(0xFEE0_0310, 0b1110 << 24), MmioWrite(0xFEE0_0300, 0x8FC)
XAPIC_SELF = MmioWrite(0xFEE0_0300, 0x4_00FC)

TO_2 = [(1_250, 2)]
TO_123 = [(1_250, 1), (1_280, 2), (1_310, 3)]
TO_0123 = [(1_250, 0), (1_280, 1), (1_310, 2), (1_340, 3)]


def outcome_of(line: Timeline) -> tuple[int, int, Hits]:
    """(end, exits, interrupts) of a timeline."""
    return line.end, line.exits, served(line)


@pytest.mark.parametrize("local_apic", ["avic", "bare"])
@pytest.mark.parametrize(
    ("op", "end", "hits"),
    [
        pytest.param(TO_CPU_2, 1_250, TO_2, id="physical"),
        pytest.param(TO_CLUSTER, 1_310, TO_123, id="logical-costs-no-more"),
        pytest.param(ALL_BUT_SELF, 1_310, TO_123, id="all-but-self-asks-nobody"),
        pytest.param(TO_EVERYBODY, 1_340, TO_0123, id="broadcast-id-hits-the-source-too"),
        pytest.param(SELF_SHORTHAND, 1_250, [(1_250, 0)], id="self-shorthand"),
        pytest.param(SELF_REGISTER, 1_008, [(1_008, 0)], id="self-register-is-no-icr"),
    ],
)
def test_running_targets_are_served_one_after_the_other_without_an_exit(
    local_apic: str, op: Op, end: int, hits: Hits
) -> None:
    """250 for the write and 30 for each further target, without a VM exit."""
    assert (end, 0, hits) == outcome_of(line_of(op, local_apic=local_apic))


@pytest.mark.parametrize(
    ("local_apic", "ops", "end", "hits"),
    [
        pytest.param("avic", (ICR2, ICR), 1_318, [(1_318, 2)], id="avic-physical"),
        pytest.param("bare", (ICR2, ICR), 1_318, [(1_318, 2)], id="bare-physical"),
        pytest.param("ipiv", (ICR2, ICR), 1_318, [(1_318, 2)], id="ipiv-physical"),
        pytest.param(
            "avic",
            (FLAT_ICR2, FLAT_ICR),
            1_378,
            [(1_318, 1), (1_348, 2), (1_378, 3)],
            id="avic-flat",
        ),
        pytest.param(
            "bare",
            (FLAT_ICR2, FLAT_ICR),
            1_378,
            [(1_318, 1), (1_348, 2), (1_378, 3)],
            id="bare-flat",
        ),
        pytest.param("avic", (WaitIcrIdle(), ICR2, ICR), 1_326, [(1_326, 2)], id="avic-polls"),
        pytest.param("ipiv", (WaitIcrIdle(), ICR2, ICR), 1_326, [(1_326, 2)], id="ipiv-polls"),
        pytest.param("avic", (XAPIC_SELF,), 1_008, [(1_008, 0)], id="avic-self"),
        pytest.param("bare", (XAPIC_SELF,), 1_008, [(1_008, 0)], id="bare-self"),
        pytest.param("ipiv", (XAPIC_SELF,), 1_008, [(1_008, 0)], id="ipiv-self"),
        pytest.param("bare", (XAPIC_NMI_TO_SELF,), 1_310, [(1_310, 0)], id="bare-nmi-to-self"),
    ],
)
def test_an_xapic_send_without_an_exit_has_its_own_surcharge(
    local_apic: str, ops: tuple[Op, ...], end: int, hits: Hits
) -> None:
    """Other accesses take 8, then 250 and 60 follow; to itself a send is such an access."""
    assert (end, 0, hits) == outcome_of(line_of(*ops, apic_mode="xapic", local_apic=local_apic))


@pytest.mark.parametrize(
    ("local_apic", "op", "end"),
    [
        pytest.param("avic", NMI_TO_CPU_2, 3_100, id="avic-physical-nmi"),
        pytest.param("avic", NMI_TO_CLUSTER, 3_375, id="avic-logical-nmi"),
        pytest.param("avic", NMI_TO_ALL_BUT_SELF, 3_336, id="avic-nmi-to-all-but-self"),
        pytest.param("avic", NMI_TO_SELF, 3_100, id="avic-nmi-to-self"),
        pytest.param("avic", PV_CALL, 2_300, id="avic-hypercall"),
        pytest.param("ipiv", TO_CLUSTER, 3_375, id="ipiv-logical"),
        pytest.param("ipiv", ALL_BUT_SELF, 3_336, id="ipiv-all-but-self"),
        pytest.param("ipiv", TO_EVERYBODY, 3_436, id="ipiv-broadcast-id"),
        pytest.param("ipiv", SELF_SHORTHAND, 3_100, id="ipiv-self-shorthand"),
        pytest.param("ipiv", NMI_TO_CPU_2, 3_100, id="ipiv-physical-nmi"),
        pytest.param("ipiv", NMI_TO_SELF, 3_100, id="ipiv-nmi-to-self"),
        pytest.param("ipiv", PV_CALL, 2_300, id="ipiv-hypercall"),
    ],
)
def test_sends_that_the_processor_cannot_deliver_exit(
    local_apic: str, op: Op, end: int
) -> None:
    """AVIC needs fixed delivery, IPI virtualization a unicast as well; a call always exits."""
    line = line_of(op, local_apic=local_apic)

    assert (end, 1) == (line.end, line.exits)


@pytest.mark.parametrize("local_apic", ["avic", "ipiv"])
def test_an_xapic_nmi_exits_only_for_the_icr_write(local_apic: str) -> None:
    """ICR2 takes 8, then 2000, 400 and the target's 100 follow."""
    ops = ICR2, MmioWrite(0xFEE0_0300, 0x400)

    assert outcome_of(line_of(*ops, apic_mode="xapic", local_apic=local_apic)) == (
        3_508,
        1,
        [(2_308, 2)],
    )


@pytest.mark.parametrize(
    ("local_apic", "op", "end"),
    [
        pytest.param("avic", NMI_TO_CPU_2, 2_600, id="avic-nmi"),
        pytest.param("avic", TO_CPU_2, 1_250, id="avic-needs-none"),
        pytest.param("ipiv", TO_CLUSTER, 2_875, id="ipiv-logical"),
        pytest.param("ipiv", TO_CPU_2, 1_250, id="ipiv-unicast-needs-none"),
        pytest.param("bare", TO_CPU_2, 1_250, id="bare-has-none"),
    ],
)
def test_only_a_send_that_exits_can_take_the_exit_fast_path(
    local_apic: str, op: Op, end: int
) -> None:
    """Of 2025, which takes all that the APIC map delivers."""
    assert end == line_of(op, local_apic=local_apic, host_linux="6.18").end


@pytest.mark.parametrize(
    ("op", "end", "hits"),
    [
        pytest.param(NMI_TO_CPU_2, 1_250, TO_2, id="physical"),
        pytest.param(NMI_TO_CLUSTER, 1_310, TO_123, id="logical"),
        pytest.param(NMI_TO_ALL_BUT_SELF, 1_310, TO_123, id="all-but-self"),
        pytest.param(NMI_TO_SELF, 1_250, [(1_250, 0)], id="self"),
    ],
)
def test_an_nmi_on_bare_metal_is_a_write_like_any_other(op: Op, end: int, hits: Hits) -> None:
    """No exit is possible without a hypervisor."""
    assert (end, 0, hits) == outcome_of(line_of(op, local_apic="bare"))


@pytest.mark.parametrize(
    ("local_apic", "exits"), [("avic", 1), ("ipiv", 1), ("apicv", 1), ("bare", 0)]
)
def test_a_fault_exits_only_with_a_hypervisor(local_apic: str, exits: int) -> None:
    """#GP is injected by it, or raised by the processor itself."""
    line = line_of(WrMsr(0x830, 0x2000), local_apic=local_apic)

    assert (1_600, exits, []) == outcome_of(line)


@pytest.mark.parametrize("local_apic", ["bare", "avic", "ipiv"])
def test_writes_without_an_exit_add_up(local_apic: str) -> None:
    """Each begins where the last one ended: 1250, and 250 later."""
    line = line_of(IrqSave(), TO_CPU_3, TO_CPU_2, IrqRestore(), local_apic=local_apic)

    assert outcome_of(line) == (1_502, 0, [(1_251, 3), (1_501, 2)])
    assert (line.icr_writes, line.irqs_off, line.irqs_on) == (2, 1_000, 1_502)


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_the_entry_share_does_not_affect_sends_without_an_exit(share: float) -> None:
    """It is a share of an exit."""
    line = line_of(TO_CLUSTER, local_apic="bare", exit_entry_share=share)

    assert outcome_of(line) == (1_310, 0, TO_123)


@pytest.mark.parametrize("local_apic", ["avic", "bare"])
def test_a_write_to_an_unused_apic_id_costs_only_the_write(local_apic: str) -> None:
    """It is between two writes that reach a CPU."""
    line = line_of(TO_CPU_1, TO_NOBODY, TO_CPU_2, local_apic=local_apic)

    assert served(line) == [(1_250, 1), (1_750, 2)]
