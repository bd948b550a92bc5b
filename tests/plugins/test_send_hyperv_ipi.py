"""hyperv-ipi: one hypercall for any number of virtual processors."""

from __future__ import annotations

import pytest

from pvbench.dispatch import program
from pvbench.guest import Guest
from pvbench.ops import Hypercall, IrqRestore, IrqSave, Op, Scan, WriteMem
from support.helpers import CURRENT, INPUT_PAGE, MASKS, NMI, burst_of, guest_of, sent, stack_of

OVER = "hyperv-ipi/x2apic-physical"
FAST = 0x1_000B
CPUS = 200
IDS = range(1000, 1000 + CPUS)  # APIC IDs that differ from all VP numbers


def ops(operation: str, *targets: int, source: int = 199, cpus: int = CPUS) -> tuple[Op, ...]:
    """Ops of a burst in a guest of *cpus* CPUs, without the scan."""
    sending = sent(OVER, burst_of(operation, *targets, source=source, vector=0xFC), IDS[:cpus])
    return tuple(op for op in sending.program if not isinstance(op, Scan))


def in_page(control: int, *page: int, source: int = 199) -> tuple[Op, ...]:
    """The EX form: interrupts are off while the per-CPU input page is in use."""
    address = INPUT_PAGE + source * 4096
    return (
        IrqSave(),
        WriteMem(address, (0xFC, *page)),
        Hypercall(control, (address, 0)),
        IrqRestore(),
    )


@pytest.mark.parametrize(
    ("targets", "mask"),
    [
        pytest.param((0,), 1, id="first-vp"),
        pytest.param((1, 5), 0b10_0010, id="vps-are-not-apic-ids"),
        pytest.param((0, 63), 1 | 1 << 63, id="last-vp-of-the-register"),
    ],
)
def test_targets_below_vp_64_use_the_fast_call(targets: tuple[int, ...], mask: int) -> None:
    """HVCALL_SEND_IPI passes vector and mask in registers, with interrupts enabled."""
    assert ops("send_IPI_mask", *targets) == (Hypercall(FAST, (0xFC, mask)),)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        pytest.param((64,), in_page(0x2_0015, 0, 0b10, 1), id="first-vp-beyond"),
        pytest.param((63, 64), in_page(0x4_0015, 0, 0b11, 1 << 63, 1), id="both-sides"),
        pytest.param((0, 130), in_page(0x4_0015, 0, 0b101, 1, 4), id="only-banks-with-vps"),
        pytest.param((127, 128), in_page(0x4_0015, 0, 0b110, 1 << 63, 1), id="bank-borders"),
    ],
)
def test_targets_from_vp_64_on_use_an_input_page_with_banks(
    targets: tuple[int, ...], expected: tuple[Op, ...]
) -> None:
    """HVCALL_SEND_IPI_EX takes vector, sparse format, valid banks and their words."""
    assert expected == ops("send_IPI_mask", *targets)


@pytest.mark.parametrize(
    ("operation", "targets"),
    [
        pytest.param("send_IPI_all", (), id="all"),
        pytest.param("send_IPI_mask", tuple(range(CPUS)), id="mask-of-all-present"),
    ],
)
def test_a_mask_of_all_cpus_uses_format_all_without_banks(
    operation: str, targets: tuple[int, ...]
) -> None:
    """Linux uses HV_GENERIC_SET_ALL when the mask equals the present CPUs, self included."""
    assert ops(operation, *targets) == in_page(0x15, 1, 0)


def test_a_mask_of_all_cpus_below_vp_64_uses_the_fast_call() -> None:
    """Linux tries the cheaper call first."""
    assert ops("send_IPI_all", source=0, cpus=64) == (Hypercall(FAST, (0xFC, (1 << 64) - 1)),)


@pytest.mark.parametrize(
    ("operation", "targets"),
    [
        pytest.param("send_IPI_allbutself", (), id="allbutself"),
        pytest.param("send_IPI_mask_allbutself", tuple(range(66)), id="mask-allbutself"),
    ],
)
def test_all_but_self_uses_the_sparse_format(operation: str, targets: tuple[int, ...]) -> None:
    """Format ALL would interrupt the sender, which is CPU 0 of 66 here."""
    low = (1 << 64) - 2
    expected = in_page(0x4_0015, 0, 0b11, low, 0b11, source=0)

    assert expected == ops(operation, *targets, source=0, cpus=66)


@pytest.mark.parametrize(
    ("operation", "source", "expected"),
    [
        pytest.param("send_IPI", 0, (Hypercall(FAST, (0xFC, 8)),), id="unicast"),
        pytest.param("send_IPI_self", 2, (Hypercall(FAST, (0xFC, 4)),), id="self"),
        pytest.param(
            "send_IPI_self", 70, in_page(0x2_0015, 0, 2, 1 << 6, source=70), id="self-high"
        ),
    ],
)
def test_unicast_and_self_are_replaced_too(
    operation: str, source: int, expected: tuple[Op, ...]
) -> None:
    """Linux replaces all six callbacks."""
    assert expected == ops(operation, 3, source=source)


@pytest.mark.parametrize(
    ("source", "address"),
    [
        pytest.param(0, 0x800_0000, id="first-cpu"),
        pytest.param(1, 0x800_1000, id="second-cpu"),
        pytest.param(199, 0x80C_7000, id="last-cpu"),
    ],
)
def test_each_sender_has_its_own_input_page(source: int, address: int) -> None:
    """hyperv_pcpu_input_arg: CPUs that send at the same time do not share a page."""
    assert ops("send_IPI_mask", 64, source=source) == (
        IrqSave(),
        WriteMem(address, (0xFC, 0, 0b10, 1)),
        Hypercall(0x2_0015, (address, 0)),
        IrqRestore(),
    )


def test_it_cannot_send_an_nmi() -> None:
    """It takes vectors 0x10..0xff; Linux sends the others with the native driver."""
    sender, guest = stack_of(OVER).sender, guest_of(range(4))

    refusals = [
        sender.why_refused(burst_of("send_IPI", 1, vector=v), guest) for v in (NMI, 0x20)
    ]

    assert refusals == [
        "the hypercall takes vectors 0x10..0xff; Linux sends NMIs natively",
        None,
    ]


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [
        pytest.param(4096, None, id="4096"),
        pytest.param(
            4097, "a sparse VP set can address only 4096 virtual processors", id="4097"
        ),
    ],
)
def test_a_vp_set_has_at_most_64_banks(cpus: int, expected: str | None) -> None:
    """64 banks of 64 VPs are 4096."""
    stack = stack_of(OVER)

    assert expected == stack.why_unsupported(stack.guest(guest_of(range(cpus))), CURRENT)


def test_it_is_for_64_bit_guests() -> None:
    """Linux builds hv_apic.c for CONFIG_X86_64 only (arch/x86/hyperv/Makefile)."""
    stack = stack_of(OVER)

    assert "64-bit" in (
        stack.why_unsupported(stack.guest(guest_of(range(4), bits=32)), CURRENT) or ""
    )


def ops_in(guest: Guest, operation: str, *targets: int) -> tuple[Op, ...]:
    """Ops of a burst of CPU 0 in *guest*, without the scan."""
    stack = stack_of(OVER)
    burst = burst_of(operation, *targets, vector=0xFC)
    sending = program(stack, burst, stack.guest(guest), linux=MASKS)
    return tuple(op for op in sending.program if not isinstance(op, Scan))


def test_targets_are_virtual_processors_by_their_indexes() -> None:
    """A hypervisor may number them in another order than Linux numbers the CPUs."""
    guest = guest_of(range(4), vp_indexes=(3, 2, 1, 0))

    assert ops_in(guest, "send_IPI_mask", 1, 2) == (Hypercall(FAST, (0xFC, 0b110)),)
    assert ops_in(guest, "send_IPI", 3) == (Hypercall(FAST, (0xFC, 0b1)),)


def test_a_mask_with_cpu_64_uses_the_input_page_whatever_its_vp() -> None:
    """Linux looks at the highest CPU number first, but in a unicast only at the VP."""
    guest = guest_of(range(70), vp_indexes=range(69, -1, -1))

    assert ops_in(guest, "send_IPI_mask", 6, 69) == in_page(
        0x2_0015, 0, 1, 1 << 63 | 1, source=0
    )
    assert ops_in(guest, "send_IPI", 69) == (Hypercall(FAST, (0xFC, 1)),)


def test_format_all_would_reach_cpus_that_are_offline() -> None:
    """Linux compares the mask with the present CPUs, so all that are online are banks."""
    guest = guest_of(range(70), offline=(68,))

    banks = ((1 << 64) - 1, 0b10_1111)
    assert ops_in(guest, "send_IPI_all") == in_page(0x4_0015, 0, 0b11, *banks, source=0)


def test_a_vp_index_above_4095_is_in_no_set() -> None:
    """The number of CPUs does not matter."""
    guest = guest_of(range(2), vp_indexes=(0, 4096))

    assert stack_of(OVER).why_unsupported(stack_of(OVER).guest(guest), CURRENT) == (
        "a sparse VP set can address only 4096 virtual processors"
    )
