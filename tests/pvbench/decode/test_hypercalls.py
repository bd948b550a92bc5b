"""Decoding of hypercalls: registers, pages and error returns."""

from __future__ import annotations

import pytest

from pvbench.decode.decoder import Decoder
from pvbench.decode.sends import Route
from pvbench.guest import Guest
from pvbench.ops import Hypercall, Op, WriteMem, WrMsr
from support.helpers import INPUT_PAGE, decode, guest_of, hits

IDS = (0, 63, 64, 127, 128, 191, 192, 255)
TOP = 1 << 63


def guest(abi: str, bits: int = 64, ids: tuple[int, ...] = IDS) -> Guest:
    """A guest whose APIC IDs differ from its CPU numbers."""
    return guest_of(ids, hypercall_abi=abi, bits=bits)


def call(*args: int, nr: int = 10) -> Hypercall:
    """KVM_HC_SEND_IPI."""
    return Hypercall(nr, args)


def fast(vector: int, mask: int) -> list[Op]:
    """HVCALL_SEND_IPI with its arguments in registers."""
    return [Hypercall(0x1_000B, (vector, mask))]


def ex(control: int, *page: int) -> list[Op]:
    """HVCALL_SEND_IPI_EX: an input page and the control word."""
    return [WriteMem(INPUT_PAGE, page), Hypercall(control, (INPUT_PAGE, 0))]


def event(port: int, *, nr: int = 32, command: int = 4) -> list[Op]:
    """EVTCHNOP_send on *port*."""
    return [WriteMem(INPUT_PAGE, (port,)), Hypercall(nr, (command, INPUT_PAGE))]


@pytest.mark.parametrize(
    ("abi", "op", "expected"),
    [
        pytest.param("kvm", call(1, 0, 0, 0xFC), [0], id="kvm-first-bit"),
        pytest.param("kvm", call(TOP, 1, 0, 0xFC), [1, 2], id="kvm-across-words"),
        pytest.param("kvm", call(0, TOP, 0, 0xFC), [3], id="kvm-last-bit"),
        pytest.param("kvm", call(1, 1, 128, 0xFC), [4, 6], id="kvm-min-moves-both-words"),
        pytest.param("kvm", call(2, 0, 62, 0xFC), [1], id="kvm-min-is-not-aligned"),
        pytest.param("kvm", call(1, 0, 1 << 32, 0xFC), [0], id="kvm-min-is-32-bit"),
        pytest.param("kvm", call(2, 0, 0, 0xFC), [], id="kvm-nobody-has-it"),
        pytest.param("kvm", call(1, 0, 999, 0xFC), [], id="kvm-min-above-the-highest-id"),
        pytest.param("kvm", call(0, 0, 0, 0xFC), [], id="kvm-empty"),
        pytest.param("kvm", call(0, 1, 0xFFFF_FFC0, 0xFC), [0], id="kvm-second-half-wraps"),
        pytest.param("kvm", call(0, 1, 0xFFFF_FFBF, 0xFC), [], id="kvm-second-half-short"),
        pytest.param("kvm", call(1 << 32, 0, 0xFFFF_FFE0, 0xFC), [], id="kvm-no-wrap-inside"),
        pytest.param("kvm-v3", call(1, 1, 0xFC), [0, 2], id="v3-both-words"),
        pytest.param("kvm-v3", call(TOP, TOP, 0xFC), [1, 3], id="v3-last-bits"),
        pytest.param("kvm-v3", call(0, 0, 0xFC), [], id="v3-empty"),
        pytest.param("kvm-v3", call(1, 0, 1 << 8 | 0xFC), [0], id="v3-vector-is-8-bits"),
        pytest.param("kvm-cluster128", call(1, TOP, 0xFC), [0, 3], id="128-cluster-0"),
        pytest.param("kvm-cluster128", call(1, TOP, 0x1FC), [4, 7], id="128-cluster-1"),
        pytest.param("kvm-cluster128", call(1, TOP, 0x2FC), [], id="128-nobody"),
        pytest.param("kvm-cluster192", call(1, 1, TOP, 0xFC), [0, 2, 5], id="192-cluster-0"),
        pytest.param("kvm-cluster192", call(1 | TOP, 0, 0, 0x1FC), [6, 7], id="192-cluster-1"),
    ],
)
def test_a_kvm_call_returns_the_number_of_cpus_it_reaches(
    abi: str, op: Hypercall, expected: list[int]
) -> None:
    """The return value is the number of vCPUs that accepted the interrupt."""
    (send,) = decode([op], guest(abi))

    assert (Route.HYPERCALL, 0xFC, len(expected)) == (send.route, send.vector, send.result)
    assert expected == send.cpus.tolist()


@pytest.mark.parametrize(
    ("abi", "op", "result"),
    [
        pytest.param("kvm", call(1, 0, 0, 0x8FC), -22, id="logical"),
        pytest.param("kvm", call(1, 0, 0, 0x4_00FC), -22, id="shorthand-self"),
        pytest.param("kvm", call(1, 0, 0, 0x8_00FC), -22, id="shorthand-all"),
        pytest.param("kvm", call(1, 0, 0, 0xC_00FC), -22, id="shorthand-all-but-self"),
        pytest.param("kvm", call(0, nr=9), -1000, id="another-call"),
        pytest.param("kvm-v3", call(1, 0, 0xFC, nr=9), -1000, id="v3-another-call"),
        pytest.param("kvm-v3", call(1, 0, 0, 0xFC), -22, id="v3-four-arguments"),
        pytest.param("kvm", call(1, 0, 0xFC), -22, id="kvm-three-arguments"),
        pytest.param("kvm", call(7, 0, 0, 0x80FC), 0, id="level-without-assert"),
        pytest.param("kvm", call(1, 1, 0, 0x0F), 2, id="illegal-vector-is-accepted"),
        pytest.param("kvm", call(1, 1, 0, 0x300), 2, id="remote-read-is-accepted"),
        pytest.param("kvm", call(1, 1, 0, 0x6FC), 2, id="startup-is-accepted"),
        pytest.param("kvm", call(1, 1, 0, 0x7FC), 0, id="extint-is-not-accepted"),
        pytest.param("kvm", call(1, nr=1 << 32 | 10), -1000, id="the-number-has-64-bits"),
        pytest.param("kvm-cluster128", call(1, 0, 0, 0xFC), -22, id="128-four-arguments"),
        pytest.param("kvm-cluster192", call(1, 0, 0xFC), -22, id="192-three-arguments"),
        pytest.param("hyperv", call(1, 0, 0, 0xFC), 2, id="kvm-call-to-hyperv"),
        pytest.param("xen", call(1, 0, 0, 0xFC), -38, id="kvm-call-to-xen"),
    ],
)
def test_an_invalid_kvm_call_returns_an_error(abi: str, op: Hypercall, result: int) -> None:
    """It is -KVM_EINVAL or -KVM_ENOSYS; KVM_HC_SEND_IPI has one meaning in a host."""
    (send,) = decode([op], guest(abi))

    assert (Route.FAULT, [], result) == (send.route, send.cpus.tolist(), send.result)


@pytest.mark.parametrize("abi", ["kvm", "kvm-v3"])
@pytest.mark.parametrize("number", [5, 11], ids=["kick-cpu", "sched-yield"])
def test_a_hypercall_for_something_else_sends_nothing(abi: str, number: int) -> None:
    """Linux yields to a target after a multicast; that is no fault."""
    (send,) = decode([call(1, nr=number)], guest(abi))

    assert (send.route, send.cpus.tolist(), send.result) == (Route.NOTHING, [], 0)
    assert send.error is None


def test_lowest_priority_by_hypercall_interrupts_all() -> None:
    """KVM asks each APIC on its own, so nothing is lowest."""
    assert hits([call(1, 1, 0, 0x1FC)], guest("kvm")) == [(0xFC, 0), (0xFC, 2)]


def test_the_number_of_a_hypercall_has_32_bits_in_a_32_bit_guest() -> None:
    """KVM cuts it as it cuts the arguments."""
    small = guest("kvm", bits=32)

    assert hits([call(1, 0, 0, 0xFC, nr=1 << 32 | 10)], small) == [(0xFC, 0)]


def test_xmm_registers_keep_their_values_between_calls() -> None:
    """A call with two arguments leaves them, as an instruction would."""
    first = Hypercall(0x3_0015, (0xFC, 0, 1, 2))
    second = Hypercall(0x3_0015, (0xFD, 0))

    assert hits([first, second], guest("hyperv")) == [(0xFC, 1), (0xFD, 1)]


@pytest.mark.parametrize(
    ("icr", "expected"),
    [
        pytest.param(0x400, [(2, 0)], id="delivery-mode-nmi"),
        pytest.param(0x4FC, [(2, 0)], id="nmi-ignores-its-vector"),
        pytest.param(0x10, [(0x10, 0)], id="lowest-vector"),
        pytest.param(0x0F, [], id="vector-15-is-illegal"),
        pytest.param(0x02, [], id="vector-2-is-no-nmi"),
    ],
)
def test_an_nmi_needs_its_delivery_mode(icr: int, expected: list[tuple[int, int]]) -> None:
    """Fixed vectors below 0x10 are never delivered, not even 2 as an NMI."""
    assert expected == hits([call(1, 0, 0, icr)], guest("kvm"))


@pytest.mark.parametrize(
    ("abi", "op"),
    [
        pytest.param("kvm-v3", call(1, 0, 0x02), id="v3"),
        pytest.param("kvm-cluster128", call(1, 0, 0x02), id="cluster128"),
        pytest.param("kvm-cluster192", call(1, 0, 0, 0x02), id="cluster192"),
    ],
)
def test_a_call_without_delivery_mode_cannot_send_an_nmi(abi: str, op: Hypercall) -> None:
    """The hypercalls of 2018 carry a vector but no delivery mode."""
    assert hits([op], guest(abi)) == []


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        pytest.param((1, 1, 0), [0, 1], id="words-are-32-wide"),
        pytest.param((1 << 31, 1 << 31, 0), [2, 3], id="last-bits"),
        pytest.param((1 | 1 << 32, 1 | 1 << 40, 0), [0, 1], id="registers-are-cut"),
        pytest.param((0, 1, 0xFFFF_FFE0), [0], id="second-half-wraps-after-32"),
    ],
)
def test_a_32_bit_guest_covers_64_ids(args: tuple[int, ...], expected: list[int]) -> None:
    """KVM truncates the two registers, and the second word starts at 32."""
    small = guest("kvm", bits=32, ids=(0, 32, 31, 63))

    assert expected == [cpu for _, cpu in hits([call(*args, 0xFC)], small)]


@pytest.mark.parametrize(
    ("abi", "op", "expected"),
    [
        pytest.param("kvm-v3", call(1, 1 << 31, 0xFC), [0, 63], id="v3"),
        pytest.param("kvm-v3", call(1 << 32, 1 << 40, 0xFC), [], id="v3-registers-are-cut"),
        pytest.param("kvm-cluster128", call(1 << 31, 1, 0xFC), [31, 32], id="cluster-0"),
        pytest.param("kvm-cluster128", call(1, 1 << 31, 0x1FC), [64, 127], id="64-ids-each"),
        pytest.param("kvm-cluster192", call(0, 0, 1 << 31, 0xFC), [95], id="third-word"),
        pytest.param("kvm-cluster192", call(1, 0, 1 << 31, 0x1FC), [96, 191], id="96-ids-each"),
    ],
)
def test_a_proposed_call_of_a_32_bit_guest_has_words_of_32_bits(
    abi: str, op: Hypercall, expected: list[int]
) -> None:
    """So its clusters are half as wide."""
    ids = (0, 31, 32, 63, 64, 95, 96, 127, 191)
    small = guest(abi, bits=32, ids=ids)

    assert expected == [ids[cpu] for _, cpu in hits([op], small)]


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        pytest.param(fast(0xFC, 0b110), [1, 2], id="fast-vps-are-not-apic-ids"),
        pytest.param(fast(0xFC, 1 << 63), [63], id="fast-last-vp"),
        pytest.param(fast(0x10, 1), [0], id="fast-lowest-vector"),
        pytest.param(ex(0x15, 0xFC, 1, 0), [*range(70)], id="ex-all"),
        pytest.param(ex(0x2_0015, 0xFC, 0, 1, 0b11), [0, 1], id="ex-first-bank"),
        pytest.param(ex(0x2_0015, 0xFC, 0, 0b10, 0b11), [64, 65], id="ex-second-bank"),
        pytest.param(ex(0x4_0015, 0xFC, 0, 0b11, 4, 1), [2, 64], id="ex-two-banks"),
        pytest.param(ex(0x4_0015, 0xFC, 0, 0b101, 4, 1), [2], id="ex-bank-nobody-has"),
        pytest.param(ex(0x2_0015, 0xFC, 0, 0b10, 1 << 6), [], id="ex-vp-nobody-has"),
        pytest.param(ex(0x15, 0xFC, 0, 0), [], id="ex-no-bank"),
        pytest.param(ex(0x15, 0x1FF, 0, 0), [], id="ex-no-bank-any-vector"),
        pytest.param(ex(0x2_0015, 0xFC, 2, 1, 0b11), [0, 1], id="ex-format-2-is-sparse"),
        pytest.param(ex(0x2_0015, 1 << 40 | 0xFC, 0, 1, 4), [2], id="ex-high-bits"),
        pytest.param(ex(0x4_0015, 0xFC, 0, 0b11, 4), [2], id="ex-a-bank-not-written-is-0"),
        pytest.param([Hypercall(0x15, (0x5000, 0))], [], id="ex-a-page-of-zeros"),
        pytest.param([Hypercall(0x1_0015, (0xFC, 1, 0))], [*range(70)], id="xmm-all"),
        pytest.param([Hypercall(0x3_0015, (0xFC, 0, 1, 6))], [1, 2], id="xmm-one-bank"),
        pytest.param(
            [Hypercall(0x3_0015, (1 << 32 | 0xFC, 0, 2, 1))], [64], id="xmm-high-bits"
        ),
        pytest.param([Hypercall(0x5_0015, (0xFC, 0, 0b11, 1, 1))], [0, 64], id="xmm-two-banks"),
        pytest.param([Hypercall(0x17_0015, (0xFC, 0, 0x7FF, 1))], [0], id="xmm-eleven-banks"),
        pytest.param(
            [WriteMem(INPUT_PAGE, (1 << 40 | 0xFC, 4)), Hypercall(0xB, (INPUT_PAGE, 0))],
            [2],
            id="slow-form-high-bits",
        ),
        pytest.param(
            [WriteMem(INPUT_PAGE, (0xFC, 0b101)), Hypercall(0xB, (INPUT_PAGE, 0))],
            [0, 2],
            id="slow-form-in-memory",
        ),
    ],
)
def test_a_hyperv_call_reaches_virtual_processors(ops: list[Op], expected: list[int]) -> None:
    """VP numbers are in a mask or a sparse set of banks of 64; the result is a status."""
    large = guest("hyperv", ids=tuple(range(300, 370)))
    (send,) = decode(ops, large)

    assert (None, 0, expected) == (send.error, send.result, send.cpus.tolist())


@pytest.mark.parametrize(
    ("ops", "status"),
    [
        pytest.param(fast(0x0F, 1), 3, id="vector-15"),
        pytest.param(fast(0x100, 1), 3, id="nine-bit-vector"),
        pytest.param(ex(0x2_0015, 2, 0, 1, 1), 3, id="nmi-vector"),
        pytest.param(ex(0x15, 0xFC, 0, 1, 1), 3, id="header-without-banks"),
        pytest.param(ex(0x4_0015, 0xFC, 0, 1, 1), 3, id="header-with-too-many-banks"),
        pytest.param(ex(0x2_0015, 0xFC, 0, 0b11, 1, 1), 3, id="more-banks-than-header"),
        pytest.param(ex(0x15, 0xFC, 1, 1), 3, id="all-with-another-header"),
        pytest.param([Hypercall(0x3_000B, (0xFC, 1))], 3, id="header-of-the-short-form"),
        pytest.param([Hypercall(1 << 32 | 0x1_000B, (0xFC, 1))], 3, id="rep-count"),
        pytest.param([Hypercall(1 << 48 | 0x1_000B, (0xFC, 1))], 3, id="rep-index"),
        pytest.param([Hypercall(1 << 27 | 0x1_000B, (0xFC, 1))], 3, id="reserved-27"),
        pytest.param([Hypercall(1 << 31 | 0x1_000B, (0xFC, 1))], 3, id="reserved-31"),
        pytest.param([Hypercall(1 << 44 | 0x1_000B, (0xFC, 1))], 3, id="reserved-44"),
        pytest.param([Hypercall(1 << 63 | 0x1_000B, (0xFC, 1))], 3, id="reserved-63"),
        pytest.param([Hypercall(1 << 27 | 0x77, (0, 0))], 3, id="reserved-comes-first"),
        pytest.param(fast(1 << 32 | 0xFC, 1), 3, id="high-bits-of-a-fast-vector"),
        pytest.param([Hypercall(0x77, (0, 0))], 2, id="another-call"),
        pytest.param([Hypercall(0x5C, (0, 0))], 3, id="post-message-without-synic"),
        pytest.param([Hypercall(0x19_0015, (0xFC, 0, 0xFFF))], 3, id="xmm-twelve-banks"),
        pytest.param([Hypercall(0x1_0015, (0xF, 1, 0))], 3, id="xmm-vector-15"),
    ],
)
def test_hyperv_refuses_with_a_status(ops: list[Op], status: int) -> None:
    """Status 2 is an invalid code, 3 an invalid input."""
    (send,) = decode(ops, guest("hyperv"))

    assert (Route.FAULT, [], status) == (send.route, send.cpus.tolist(), send.result)


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        pytest.param(1, [(0xFD, 0)], id="reschedule-of-cpu-0"),
        pytest.param(2, [(0xFC, 0)], id="call-function-of-cpu-0"),
        pytest.param(5, [(0xF6, 0)], id="irq-work-of-cpu-0"),
        pytest.param(14, [(0xFC, 2)], id="call-function-of-cpu-2"),
    ],
)
def test_a_xen_event_reaches_the_cpu_its_port_is_bound_to(
    port: int, expected: list[tuple[int, int]]
) -> None:
    """Linux binds the IPIs of a CPU in the order of enum ipi_vector."""
    assert expected == hits(event(port), guest("xen"))


@pytest.mark.parametrize(
    ("ops", "result"),
    [
        pytest.param(event(0), -2, id="port-0"),
        pytest.param(event(4), -2, id="spin-unlock-is-not-bound"),
        pytest.param(event(6), -2, id="an-nmi-is-no-event"),
        pytest.param(event(49), -2, id="cpu-nobody-has"),
        pytest.param([Hypercall(32, (4, 0x5000))], -2, id="page-never-written"),
        pytest.param(event(1, command=3), -38, id="another-command"),
        pytest.param(event(1, nr=29), -38, id="another-call"),
    ],
)
def test_xen_refuses_with_an_errno(ops: list[Op], result: int) -> None:
    """It returns -ENOENT for an unbound port and -ENOSYS for another call."""
    (send,) = decode(ops, guest("xen"))

    assert (Route.FAULT, [], result) == (send.route, send.cpus.tolist(), send.result)


@pytest.mark.parametrize(
    ("abi", "ops", "expected"),
    [
        pytest.param("hyperv", [Hypercall(0x1_000B, (0xFC,))], [], id="hyperv-one-register"),
        pytest.param("hyperv", [Hypercall(0x15, ())], [], id="hyperv-no-register"),
        pytest.param("hyperv", ex(0x15, 0xFC), [], id="hyperv-short-page"),
        pytest.param("hyperv", fast(0xFC, 1 << 40), [], id="hyperv-vp-nobody-has"),
        pytest.param("xen", [Hypercall(32, ())], [], id="xen-no-register"),
        pytest.param(
            "xen",
            [WriteMem(INPUT_PAGE, (2, 9)), Hypercall(32, (4, INPUT_PAGE))],
            [(0xFC, 0)],
            id="xen-more-words-than-the-port",
        ),
    ],
)
def test_a_wrong_hypercall_is_decoded_without_an_exception(
    abi: str, ops: list[Op], expected: list[tuple[int, int]]
) -> None:
    """A hypervisor decodes any content of registers and memory."""
    assert expected == hits(ops, guest(abi))


@pytest.mark.parametrize(
    ("abi", "call_of", "result"),
    [
        pytest.param("kvm", Hypercall(77, ()), 2**32 - 1000, id="unknown"),
        pytest.param("kvm", call(1, 0, 0, 0x8FC), 2**32 - 22, id="refused"),
        pytest.param("kvm", call(1, 1, 0, 0xFC), 2, id="two-cpus"),
        pytest.param("hyperv", Hypercall(0x77, (0, 0)), 2, id="hyperv-status"),
    ],
)
def test_a_32_bit_guest_reads_32_bits_of_a_result(
    abi: str, call_of: Hypercall, result: int
) -> None:
    """KVM truncates a negative error to the register."""
    (send,) = decode([call_of], guest(abi, bits=32, ids=(0, 32)))

    assert send.result == result


def test_cpus_that_others_have_disabled_are_not_reached() -> None:
    """They drop a fixed message and accept an NMI."""
    decoder = Decoder(guest("kvm", ids=(0, 1, 2)), 0)
    decoder.begin(frozenset({1, 2}))
    fixed, nmi = decoder.sends((call(0b111, 0, 0, 0xFC), call(0b111, 0, 0, 0x400)))

    assert (fixed.result, fixed.cpus.tolist()) == (1, [0])
    assert (nmi.result, nmi.cpus.tolist()) == (3, [0, 1, 2])
    decoder.begin(frozenset())
    assert decoder.sends((call(0b111, 0, 0, 0xFC),))[0].result == 3


def test_a_cpu_with_a_disabled_apic_is_not_counted_unless_by_an_nmi() -> None:
    """CPU 0 disables its own APIC, and calls for itself and CPU 2."""
    off = WrMsr(0x80F, 0xFF)
    fixed = decode([off, call(1, 1, 0, 0xFC)], guest("kvm"))[-1]
    nmi = decode([off, call(1, 1, 0, 0x400)], guest("kvm"))[-1]
    hyperv = decode([off, *fast(0xFC, 0b11)], guest("hyperv"))[-1]

    assert (fixed.result, fixed.cpus.tolist()) == (1, [2])
    assert (nmi.result, nmi.cpus.tolist()) == (2, [0, 2])
    assert (hyperv.result, hyperv.cpus.tolist()) == (0, [1])
