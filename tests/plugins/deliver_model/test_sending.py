"""
The cost of ops to their CPU, and when targets are reached.

Costs are those of `support.model.ROUND`: ICR write 2000 (fast path 1500), xAPIC
400 more, hypercall 1000, target 100, logical 25 more, vCPU asked 9; half an exit
is over when its first target is served.  All begin at 1000.
"""

from __future__ import annotations

import pytest

from pvbench.ops import Fence, IrqRestore, IrqSave, Op, Scan, WaitIcrIdle, WriteMem, WrMsr
from support.model import (
    ALL_BUT_SELF,
    ICR,
    ICR2,
    PV_CALL,
    TO_CLUSTER,
    TO_CPU_2,
    TO_CPU_3,
    TO_EVERYBODY,
    line_of,
    served,
)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        pytest.param(IrqSave(), 1_001, id="irq-save"),
        pytest.param(IrqRestore(), 1_001, id="irq-restore"),
        pytest.param(Fence(), 1_002, id="fence"),
        pytest.param(WriteMem(0x1_0000, (1, 2)), 1_003, id="store"),
        pytest.param(Scan(5), 1_020, id="scan-of-five"),
        pytest.param(Scan(0), 1_000, id="scan-of-none"),
    ],
)
def test_ops_inside_the_guest_cost_no_exit(op: Op, expected: int) -> None:
    """The hypervisor does not see these ops."""
    line = line_of(op)

    assert (expected, 0, []) == (line.end, line.exits, line.arrivals)


@pytest.mark.parametrize(
    ("op", "end", "hits"),
    [
        pytest.param(TO_CPU_2, 3_100, [(2_100, 2)], id="physical"),
        pytest.param(
            TO_CLUSTER, 3_375, [(2_125, 1), (2_250, 2), (2_375, 3)], id="logical-costs-25-more"
        ),
        pytest.param(
            ALL_BUT_SELF,
            3_336,
            [(2_109, 1), (2_218, 2), (2_327, 3)],
            id="all-but-self-asks-every-vcpu",
        ),
        pytest.param(
            TO_EVERYBODY,
            3_436,
            [(2_109, 0), (2_218, 1), (2_327, 2), (2_436, 3)],
            id="broadcast-id-hits-the-source-too",
        ),
        pytest.param(PV_CALL, 2_300, [(1_600, 1), (1_700, 2), (1_800, 3)], id="hypercall"),
        pytest.param(WrMsr(0x830, 9 << 32 | 0xFC), 3_000, [], id="nobody-has-that-id"),
    ],
)
def test_an_exit_serves_its_targets_one_after_the_other(
    op: Op, end: int, hits: list[tuple[int, int]]
) -> None:
    """Half of the exit comes before the targets and half after them."""
    line = line_of(op)

    assert (end, hits, 1) == (line.end, served(line), line.exits)


@pytest.mark.parametrize(
    ("share", "first"),
    [
        pytest.param(0, 1_100, id="all-of-it-is-way-back"),
        pytest.param(1, 3_100, id="all-of-it-is-way-in"),
    ],
)
def test_the_entry_share_moves_the_targets_but_not_the_end(share: float, first: int) -> None:
    """2000 of the exit and 100 for the target, however they are split."""
    line = line_of(TO_CPU_2, exit_entry_share=share)

    assert (3_100, [(first, 2)]) == (line.end, served(line))


def test_costs_of_sends_add_up() -> None:
    """The second exit begins when the first has ended, at 3100."""
    line = line_of(TO_CPU_3, TO_CPU_2)

    assert (line.end, served(line)) == (5_200, [(2_100, 3), (4_200, 2)])


def test_sends_of_one_vector_arrive_as_one_list_in_order_of_time() -> None:
    """A hypercall and a write behind it: 1600 to 1800, and 2300 + 1100."""
    arrivals = line_of(PV_CALL, TO_CPU_2).arrivals

    assert [(a.vector, a.at.tolist()) for a in arrivals] == [
        (0xFC, [1_600, 1_700, 1_800, 3_400])
    ]


def test_interrupts_are_off_from_the_first_save_to_the_last_restore() -> None:
    """Between them lies a send; a fence before it does not count."""
    line = line_of(Fence(), IrqSave(), TO_CPU_2, IrqRestore(), Fence())

    assert (line.irqs_off, line.irqs_on, line.end) == (1_002, 3_104, 3_106)


def test_a_program_without_a_save_never_turns_interrupts_off() -> None:
    """Unicast over x2APIC is one write."""
    assert line_of(TO_CPU_2).irqs_off is None


@pytest.mark.parametrize(
    ("apicv", "expected"),
    [
        pytest.param(True, (3_516, 1, [(2_316, 2)]), id="apicv-only-the-icr-exits"),
        pytest.param(False, (9_500, 3, [(8_300, 2)]), id="no-apicv-every-access-exits"),
    ],
)
def test_an_xapic_send_polls_and_writes_twice(
    apicv: bool, expected: tuple[int, int, list[tuple[int, int]]]
) -> None:
    """The poll and ICR2 take 8 or 3000; then 2400 and a target follow."""
    line = line_of(WaitIcrIdle(), ICR2, ICR, apic_mode="xapic", apicv=apicv)

    assert expected == (line.end, line.exits, served(line))


def test_a_hypercall_reads_what_was_written_for_it_from_guest_memory() -> None:
    """The second call has its input in registers; a read takes 70, a store 3."""
    store = WriteMem(0x1_0000, (1, 2))
    line = line_of(store, PV_CALL, PV_CALL, guest_read=70)

    assert line.end == 1_000 + 3 + 70 + 2 * 1_300


def test_an_icr_write_after_a_store_reads_no_guest_memory() -> None:
    """Its operands are in registers."""
    assert line_of(WriteMem(0x1_0000, (1, 2)), TO_CPU_2, guest_read=70).end == 3_103
