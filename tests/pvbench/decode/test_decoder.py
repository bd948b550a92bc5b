"""Decoding of register writes: ICR, ICR2, SELF IPI."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pvbench.decode.decoder import Decoder
from pvbench.decode.era import Era
from pvbench.decode.sends import Route, Sends, counted
from pvbench.guest import Guest
from pvbench.ops import Fence, IrqSave, MmioWrite, Op, Scan, WaitIcrIdle, WrMsr
from support.helpers import MSR_X2APIC_ICR, XAPIC_ICR, XAPIC_ICR2, decode, guest_of, hits

SELF_IPI = 0x83F
EOI = 0x80B
XAPIC_EOI = XAPIC_ICR - 0x250

X2APIC = guest_of((0, 3, 16, 17, 255))
XAPIC = guest_of((0, 3, 16, 17, 254), apic_mode="xapic")
FAR = guest_of((5, 1 << 20, 0x7FFF_FFFF))  # too far apart for a table


def icr(low: int, destination: int = 0) -> WrMsr:
    """One x2APIC ICR write."""
    return WrMsr(MSR_X2APIC_ICR, destination << 32 | low)


def icr_pair(low: int, destination: int) -> list[Op]:
    """A write to ICR2, then one to ICR."""
    return [MmioWrite(XAPIC_ICR2, destination << 24), MmioWrite(XAPIC_ICR, low)]


@pytest.mark.parametrize(
    ("op", "expected", "route"),
    [
        pytest.param(icr(0xFC, 16), [(0xFC, 2)], Route.PHYSICAL, id="physical"),
        pytest.param(icr(0xFC, 255), [(0xFC, 4)], Route.PHYSICAL, id="0xff-is-an-id"),
        pytest.param(icr(0xFC, 254), [], Route.PHYSICAL, id="id-nobody-has"),
        pytest.param(icr(0xFC, 256), [], Route.PHYSICAL, id="id-beyond-the-highest"),
        pytest.param(icr(0x400, 3), [(2, 1)], Route.PHYSICAL, id="nmi-has-vector-0"),
        pytest.param(icr(0x4FC, 3), [(2, 1)], Route.PHYSICAL, id="nmi-ignores-its-vector"),
        pytest.param(icr(0x40FC, 3), [(0xFC, 1)], Route.PHYSICAL, id="level-assert"),
        pytest.param(icr(0x10FC, 3), [(0xFC, 1)], Route.PHYSICAL, id="busy-is-cleared"),
        pytest.param(icr(0xC0FC, 3), [(0xFC, 1)], Route.PHYSICAL, id="level-with-assert"),
        pytest.param(icr(0x84FC, 3), [(2, 1)], Route.PHYSICAL, id="nmi-needs-no-assert"),
        pytest.param(icr(0x10, 3), [(0x10, 1)], Route.PHYSICAL, id="lowest-vector"),
        pytest.param(
            icr(0x8FC, 0x1_0003), [(0xFC, 2), (0xFC, 3)], Route.LOGICAL, id="cluster-1"
        ),
        pytest.param(
            icr(0x8FC, 0x0_0009), [(0xFC, 0), (0xFC, 1)], Route.LOGICAL, id="cluster-0"
        ),
        pytest.param(icr(0x8FC, 0xF_8000), [(0xFC, 4)], Route.LOGICAL, id="cluster-15"),
        pytest.param(icr(0x8FC, 0x0_8000), [], Route.LOGICAL, id="member-nobody-has"),
        pytest.param(icr(0x8FC, 0x7_0001), [], Route.LOGICAL, id="cluster-nobody-has"),
        pytest.param(
            icr(0xFC, 0xFFFF_FFFF),
            [(0xFC, cpu) for cpu in range(5)],
            Route.BROADCAST,
            id="broadcast-id",
        ),
        pytest.param(
            icr(0x8FC, 0xFFFF_FFFF),
            [(0xFC, cpu) for cpu in range(5)],
            Route.BROADCAST,
            id="broadcast-id-logical",
        ),
        pytest.param(icr(0x4_00FC, 16), [(0xFC, 1)], Route.SELF, id="shorthand-self"),
        pytest.param(
            icr(0x8_00FC, 16),
            [(0xFC, cpu) for cpu in range(5)],
            Route.BROADCAST,
            id="shorthand-all",
        ),
        pytest.param(
            icr(0xC_00FC, 16),
            [(0xFC, 0), (0xFC, 2), (0xFC, 3), (0xFC, 4)],
            Route.BROADCAST,
            id="shorthand-all-but-self",
        ),
        pytest.param(
            icr(0xC_0400),
            [(2, 0), (2, 2), (2, 3), (2, 4)],
            Route.BROADCAST,
            id="nmi-to-all-but-self",
        ),
        pytest.param(
            WrMsr(SELF_IPI, 0xF6), [(0xF6, 1)], Route.SELF_REGISTER, id="self-ipi-register"
        ),
    ],
)
def test_an_x2apic_write_reaches_its_destination(
    op: WrMsr, expected: list[tuple[int, int]], route: Route
) -> None:
    """CPU 1 of a guest with the APIC IDs 0, 3, 16, 17, 255 writes the x2APIC ICR."""
    values = [send.route for send in decode([op], X2APIC, source=1)]

    assert (expected, [route]) == (hits([op], X2APIC, source=1), values)


@pytest.mark.parametrize(
    ("op", "error"),
    [
        pytest.param(icr(0x0F, 3), "vector 0xf is illegal", id="vector-15"),
        pytest.param(icr(0x02, 3), "vector 0x2 is illegal", id="vector-2-is-no-nmi"),
        pytest.param(icr(0xC_0002, 3), "vector 0x2 is illegal", id="shorthand-vector-2"),
        pytest.param(icr(0x20FC, 3), "reserved", id="reserved-13"),
        pytest.param(icr(0x1_00FC, 3), "reserved", id="reserved-16"),
        pytest.param(icr(0x2_00FC, 3), "reserved", id="reserved-17"),
        pytest.param(icr(0x10_00FC, 3), "reserved", id="reserved-20"),
        pytest.param(icr(0x8000_00FC, 3), "reserved", id="reserved-31"),
        pytest.param(icr(0x80FC, 3), "without assert", id="level-without-assert"),
        pytest.param(icr(0x8_80FC, 3), "without assert", id="level-shorthand"),
        pytest.param(icr(0x81FC, 3), "without assert", id="level-lowest-priority"),
        pytest.param(icr(0x200, 3), "an SMI changes", id="smi"),
        pytest.param(icr(0x300, 3), "delivery mode 3 interrupts no CPU", id="remote-read"),
        pytest.param(icr(0x500, 3), "INIT changes", id="init"),
        pytest.param(icr(0x600, 3), "delivery mode 6 interrupts no CPU", id="startup"),
        pytest.param(icr(0x700, 3), "delivery mode 7 interrupts no CPU", id="extint"),
        pytest.param(WrMsr(SELF_IPI, 0x02), "vector 0x2", id="self-ipi-vector-2-is-no-nmi"),
        pytest.param(WrMsr(SELF_IPI, 0x0F), "vector 0xf", id="self-ipi-vector-15"),
        pytest.param(WrMsr(SELF_IPI, 0x1FC), "reserved", id="self-ipi-reserved-bit"),
        pytest.param(MmioWrite(XAPIC_ICR, 0xFC), "xAPIC page is off", id="mmio"),
    ],
)
def test_an_invalid_x2apic_write_reaches_no_cpu(op: Op, error: str) -> None:
    """Vectors may be illegal and bits reserved; SELF IPI reserves all bits but 7:0."""
    values = [(send.route, send.cpus.tolist()) for send in decode([op], X2APIC)]
    reasons = [send.error or "" for send in decode([op], X2APIC)]

    assert values == [(Route.FAULT, [])]
    assert error in reasons[0]


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        pytest.param(icr_pair(0xFC, 16), [(0xFC, 2)], id="physical"),
        pytest.param(icr_pair(0xFC, 18), [], id="id-nobody-has"),
        pytest.param(icr_pair(0x400, 254), [(2, 4)], id="nmi"),
        pytest.param(icr_pair(0x8FC, 0b101), [(0xFC, 0), (0xFC, 2)], id="flat-bits-are-cpus"),
        pytest.param(icr_pair(0x8FC, 0b1110_0000), [], id="flat-bits-nobody-has"),
        pytest.param(icr_pair(0xFC, 255), [(0xFC, n) for n in range(5)], id="broadcast-id"),
        pytest.param(icr_pair(0x8FC, 255), [(0xFC, n) for n in range(5)], id="flat-all"),
        pytest.param(icr_pair(0x4_00FC, 16), [(0xFC, 1)], id="shorthand-self"),
        pytest.param(icr_pair(0x8_00FC, 16), [(0xFC, n) for n in range(5)], id="all"),
        pytest.param(
            icr_pair(0xC_00FC, 16), [(0xFC, n) for n in (0, 2, 3, 4)], id="all-but-self"
        ),
        pytest.param([MmioWrite(XAPIC_ICR2, 16 << 24)], [], id="icr2-alone-sends-nothing"),
        pytest.param(
            [*icr_pair(0xFC, 3), MmioWrite(XAPIC_ICR, 0xFD)],
            [(0xFC, 1), (0xFD, 1)],
            id="icr2-keeps-its-value",
        ),
        pytest.param(
            [MmioWrite(XAPIC_ICR2, 3 << 24 | 0xFF_FFFF), MmioWrite(XAPIC_ICR, 0xFC)],
            [(0xFC, 1)],
            id="destination-is-bits-31-24",
        ),
    ],
)
def test_an_xapic_write_reaches_its_destination(
    ops: list[Op], expected: list[tuple[int, int]]
) -> None:
    """The write of the low word sends, to the destination in ICR2 bits 31:24."""
    assert expected == hits(ops, XAPIC, source=1)


@pytest.mark.parametrize(
    ("guest", "op", "error"),
    [
        pytest.param(X2APIC, WrMsr(EOI, 0), "writing MSR 0x80b sends no IPI", id="eoi"),
        pytest.param(
            XAPIC, MmioWrite(0xFEE0_00B0, 0), "writing 0xfee000b0 sends no IPI", id="xapic-eoi"
        ),
        pytest.param(X2APIC, WrMsr(0x6E0, 0), None, id="tsc-deadline"),
        pytest.param(XAPIC, WrMsr(0x6E0, 0), None, id="in-xapic-mode-too"),
    ],
)
def test_only_a_write_to_the_icr_is_an_icr_write(
    guest: Guest, op: Op, error: str | None
) -> None:
    """Another register of the APIC is a sender's error, and another MSR is its business."""
    (send,) = decode([op], guest)

    assert (send.route, send.cpus.tolist(), send.error) == (Route.NOTHING, [], error)
    assert counted([send]) == (0, 0)


@pytest.mark.parametrize(
    ("op", "error"),
    [
        pytest.param(icr(0xFC, 3), "x2APIC register in xAPIC mode raises #GP", id="icr-msr"),
        pytest.param(WrMsr(SELF_IPI, 0xFC), "#GP", id="self-ipi-msr"),
        pytest.param(MmioWrite(XAPIC_ICR, 0x0F), "vector 0xf is illegal", id="vector-15"),
    ],
)
def test_an_invalid_xapic_write_reaches_no_cpu(op: Op, error: str) -> None:
    """x2APIC MSRs exist only in x2APIC mode."""
    (send,) = decode([op], XAPIC)

    assert (send.route, send.cpus.tolist()) == (Route.FAULT, [])
    assert error in (send.error or "")


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        pytest.param(5, [(0xFC, 0)], id="lowest"),
        pytest.param(1 << 20, [(0xFC, 1)], id="two-to-the-20"),
        pytest.param(0x7FFF_FFFF, [(0xFC, 2)], id="highest"),
        pytest.param(4, [], id="below-all"),
        pytest.param(6, [], id="between"),
        pytest.param(0x8000_0000, [], id="above-all"),
    ],
)
def test_large_apic_ids_are_looked_up(
    destination: int, expected: list[tuple[int, int]]
) -> None:
    """x2APIC IDs have 32 bits."""
    assert expected == hits([icr(0xFC, destination)], FAR)


def test_consecutive_writes_of_one_kind_are_one_entry() -> None:
    """Each hit names its op, because an op may reach no CPU."""
    ops: list[Op] = [Fence(), IrqSave(), Scan(3), icr(0xFC, 17), icr(0xFC, 99), icr(0xFC, 3)]

    (send,) = decode(ops, X2APIC)

    assert send.op_of_hit is not None
    assert (
        send.first,
        send.ops,
        send.cpus.tolist(),
        send.op_of_hit.tolist(),
    ) == (3, 3, [3, 1], [0, 2])


def test_each_hit_of_a_logical_write_names_its_op() -> None:
    """One write reaches up to 16 CPUs."""
    (send,) = decode([icr(0x8FC, 0x1_0003), icr(0x8FC, 0x0_0008)], X2APIC)

    assert send.op_of_hit is not None
    assert (send.cpus.tolist(), send.op_of_hit.tolist()) == ([2, 3, 1], [0, 0, 1])


def test_writes_of_different_kinds_keep_program_order() -> None:
    """An op with another vector, register or broadcast starts a new entry."""
    ops = [icr(0xFC, 3), icr(0xFD, 3), WrMsr(SELF_IPI, 0xF6), icr(0xFC, 0xFFFF_FFFF)]

    values = [(send.first, send.vector, len(send.cpus)) for send in decode(ops, X2APIC)]

    assert values == [(0, 0xFC, 1), (1, 0xFD, 1), (2, 0xF6, 1), (3, 0xFC, 5)]


def of_each_op(
    ops: list[Op], guest: Guest
) -> list[tuple[int, Route, int, list[int], str | None]]:
    """(index, route, vector, CPUs, error) of each op that is decoded."""
    return [
        (send.first + op, send.route, send.vector, cpus_of(send, op), send.error)
        for send in decode(ops, guest, source=1)
        for op in range(send.ops)
    ]


def cpus_of(send: Sends, op: int) -> list[int]:
    """The CPUs that one op of *send* interrupts."""
    cpus: list[int] = send.cpus.tolist()
    if send.op_of_hit is None:
        return cpus
    return [cpu for cpu, its_op in zip(cpus, send.op_of_hit, strict=True) if its_op == op]


LOW = st.sampled_from(
    [0xFC, 0xFD, 0x8FC, 0x400, 0x0F, 0x20FC, 0x1FC, 0x4_00FC, 0x8_00FC, 0xC_00FC]
)
X2APIC_OPS = st.one_of(
    st.builds(icr, LOW, st.sampled_from([3, 16, 99, 0x1_0003, 0xFFFF_FFFF])),
    st.sampled_from([WrMsr(SELF_IPI, 0xF6), WrMsr(SELF_IPI, 2), WrMsr(EOI, 0), Fence()]),
    st.just(MmioWrite(XAPIC_ICR, 0xFC)),
)
XAPIC_LOW = st.sampled_from([0xFC, 0x4_00FC, 0xC_00FC, 0x0F])
XAPIC_OPS = st.one_of(
    st.builds(MmioWrite, st.just(XAPIC_ICR), XAPIC_LOW),
    st.sampled_from([MmioWrite(XAPIC_EOI, 0), icr(0xFC, 3), Fence()]),
)


@given(
    st.one_of(
        st.tuples(st.lists(X2APIC_OPS, max_size=6), st.just(X2APIC)),
        st.tuples(st.lists(XAPIC_OPS, max_size=6), st.just(XAPIC)),
    )
)
@example(([icr(0xFC, 3), icr(0xFC, 0xFFFF_FFFF)], X2APIC))
def test_an_op_sends_the_same_alone_and_among_others(case: tuple[list[Op], Guest]) -> None:
    """Runs of like ops are decoded at once, and each keeps its place in the program."""
    ops, guest = case
    alone = [
        (place, *sending)
        for place, op in enumerate(ops)
        for _, *sending in of_each_op([op], guest)
    ]

    assert of_each_op(ops, guest) == alone


def test_a_broadcast_among_addressed_writes_does_not_affect_them() -> None:
    """The broadcast ID is a destination, not a mode."""
    ops = [icr(0xFC, 3), icr(0xFC, 0xFFFF_FFFF), icr(0xFC, 16)]

    assert [cpu for _, cpu in hits(ops, X2APIC)] == [1, 0, 1, 2, 3, 4, 2]


def test_ops_that_send_no_ipi_have_no_entry() -> None:
    """Interrupt flags, fences, scans and polls matter only to the cost model."""
    assert decode([IrqSave(), Fence(), Scan(9), WaitIcrIdle()], XAPIC) == []


@pytest.mark.parametrize(
    ("op", "guest", "expected"),
    [
        pytest.param(icr(0x1FC, 16), X2APIC, [2], id="physical-is-one-cpu"),
        pytest.param(icr(0x9FC, 0b1001), X2APIC, [0], id="even-vector-first-of-two"),
        pytest.param(icr(0x9FD, 0b1001), X2APIC, [1], id="odd-vector-second-of-two"),
        pytest.param(icr(0x9FD, 0b11), X2APIC, [], id="a-member-without-a-cpu-may-be-chosen"),
        pytest.param(icr(0x9FD, 0xFF_0001), X2APIC, [], id="a-cluster-beyond-the-map"),
        pytest.param(icr(0x9FD, 0), X2APIC, [], id="no-member"),
        pytest.param(icr(0x1FC, 0xFFFF_FFFF), X2APIC, [2], id="broadcast-id"),
        pytest.param(icr(0xC_01FC), X2APIC, [0], id="all-but-self-skips-the-source"),
        pytest.param(icr(0xC_01FD), X2APIC, [2], id="all-but-self-second"),
        pytest.param(icr(0x8_01FC), X2APIC, [2], id="all"),
        pytest.param(icr(0x8_01FC, 0xFF), X2APIC, [0, 1, 2, 3, 4], id="all-with-0xff"),
        pytest.param(icr(0x8_09FC, 0xFF), X2APIC, [2], id="all-with-logical-0xff"),
        pytest.param(icr(0x4_01FC), X2APIC, [1], id="self"),
    ],
)
def test_lowest_priority_interrupts_the_cpu_that_the_vector_chooses(
    op: WrMsr, guest: Guest, expected: list[int]
) -> None:
    """It is the vector modulo the candidates; 0xfc is 2 modulo 5 and 0 modulo 4."""
    assert [cpu for _, cpu in hits([op], guest, source=1)] == expected


def test_lowest_priority_to_physical_0xff_is_a_broadcast_in_xapic_mode() -> None:
    """KVM makes such a message a fixed one; a logical one to 0xff remains for one CPU."""
    physical, logical = icr_pair(0x1FC, 0xFF), icr_pair(0x9FC, 0xFF)

    assert [cpu for _, cpu in hits(physical, XAPIC)] == [0, 1, 2, 3, 4]
    assert [cpu for _, cpu in hits(logical, XAPIC)] == [2]


def test_a_logical_destination_counts_bits_only_up_to_the_highest_id() -> None:
    """KVM's map ends at ID 256, so of cluster 16 only one bit is a candidate."""
    large = guest_of((0, 256))

    assert hits([icr(0x9FD, 0x10_FFFF)], large) == [(0xFD, 1)]


def test_more_than_eight_cpus_have_no_logical_id_in_xapic_mode() -> None:
    """The guest sets no LDR then, as Linux does not."""
    nine = guest_of(range(9), apic_mode="xapic")

    assert hits(icr_pair(0x8FC, 0x7F), nine) == []
    assert len(hits(icr_pair(0x8FC, 0xFF), nine)) == 9


@pytest.mark.parametrize(
    ("op", "era"),
    [
        pytest.param(icr(0x20FC, 3), Era(x2apic_icr_reserved_bits_gp=False), id="icr"),
        pytest.param(
            WrMsr(SELF_IPI, 1 << 32 | 0xFC), Era(self_ipi_high_bits_gp=False), id="self-ipi"
        ),
    ],
)
def test_an_old_kernel_ignores_bits_that_raise_gp_on_a_new_one(op: WrMsr, era: Era) -> None:
    """Each property of an era is about one register."""
    old = Decoder(X2APIC, 1, era).sends((op,))
    new = decode([op], X2APIC, source=1)

    assert [(send.vector, send.cpus.tolist(), send.raises) for send in old] == [
        (0xFC, [1], False)
    ]
    assert [(send.route, send.raises) for send in new] == [(Route.FAULT, True)]


def test_an_old_kernel_keeps_the_other_reserved_bits_of_self_ipi() -> None:
    """Bits 31:8 have always raised #GP."""
    (send,) = Decoder(X2APIC, 1, Era(self_ipi_high_bits_gp=False)).sends(
        (WrMsr(SELF_IPI, 0x1FC),)
    )

    assert send.raises


SPIV, XAPIC_SPIV = 0x80F, XAPIC_ICR - 0x210


def test_a_disabled_apic_drops_fixed_interrupts_to_itself() -> None:
    """The other CPUs of a broadcast are reached, and an NMI is accepted."""
    off, on = WrMsr(SPIV, 0xFF), WrMsr(SPIV, 0x1FF)
    all_cpus, nmi, self_ipi = icr(0x8_00FC), icr(0x400, 3), WrMsr(SELF_IPI, 0xF6)

    assert hits([off, icr(0xFC, 3), self_ipi, nmi], X2APIC, source=1) == [(2, 1)]
    assert [cpu for _, cpu in hits([off, all_cpus], X2APIC, source=1)] == [0, 2, 3, 4]
    assert hits([off, on, icr(0xFC, 3)], X2APIC, source=1) == [(0xFC, 1)]


def test_each_op_of_a_run_keeps_its_hits_while_the_apic_is_disabled() -> None:
    """Only those of the source are gone."""
    ops = [WrMsr(SPIV, 0xFF), icr(0xFC, 16), icr(0xFC, 3), icr(0xFC, 17)]

    send = decode(ops, X2APIC, source=1)[-1]

    assert send.op_of_hit is not None
    assert (send.cpus.tolist(), send.op_of_hit.tolist()) == ([2, 3], [0, 2])


def test_a_disabled_xapic_has_no_logical_id() -> None:
    """A physical NMI and a broadcast still reach it."""
    off = MmioWrite(XAPIC_SPIV, 0xFF)

    assert hits([off, *icr_pair(0xC00, 0b10)], XAPIC, source=1) == []
    assert hits([off, *icr_pair(0x400, 3)], XAPIC, source=1) == [(2, 1)]
    assert len(hits([off, *icr_pair(0xC00, 0xFF)], XAPIC, source=1)) == 5
    assert hits([off, MmioWrite(XAPIC_SPIV, 0x1FF), *icr_pair(0xFC, 3)], XAPIC, source=1) == [
        (0xFC, 1)
    ]


def test_each_self_ipi_of_a_run_is_checked_alone() -> None:
    """Reserved bits of one do not affect another with the same vector."""
    ops = [WrMsr(SELF_IPI, 1 << 63 | 0xF6), WrMsr(SELF_IPI, 0xF6)]

    assert [(send.first, send.raises) for send in decode(ops, X2APIC, source=1)] == [
        (0, True),
        (1, False),
    ]
    assert hits(ops, X2APIC, source=1) == [(0xF6, 1)]
