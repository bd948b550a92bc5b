"""kvm-pv-cluster128 and kvm-pv-cluster192: one hypercall per aligned cluster."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.ops import Hypercall, IrqRestore, IrqSave, Scan
from support.helpers import CURRENT, burst_of, call_args, guest_of, masked, sent, stack_of

OVER_128 = "kvm-pv-cluster128/x2apic-physical"
OVER_192 = "kvm-pv-cluster192/x2apic-physical"
TOP = 1 << 63


def test_the_scan_and_the_calls_run_with_interrupts_off() -> None:
    """The last register has the vector in bits 7:0 and the cluster above it."""
    assert masked(OVER_128, [3, 131]) == (
        IrqSave(),
        Scan(2),
        Hypercall(10, (1 << 3, 0, 0x0FC)),
        Hypercall(10, (1 << 3, 0, 0x1FC)),
        IrqRestore(),
    )


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param([0, 63], [(1 | TOP, 0, 0xFC)], id="low-word"),
        pytest.param([64, 127], [(0, 1 | TOP, 0xFC)], id="high-word"),
        pytest.param([127, 128], [(0, TOP, 0xFC), (1, 0, 0x1FC)], id="clusters-are-aligned"),
        pytest.param([1, 128, 0], [(0b11, 0, 0xFC), (1, 0, 0x1FC)], id="order-does-not-matter"),
        pytest.param(
            [128, 0], [(1, 0, 0x1FC), (1, 0, 0xFC)], id="clusters-in-order-of-first-id"
        ),
        pytest.param([0x7FFF_FFFF], [(0, TOP, 0xFFFF_FFFC)], id="last-of-two-to-the-31"),
    ],
)
def test_cluster128_has_two_words_and_a_24_bit_index(
    ids: list[int], expected: list[tuple[int, ...]]
) -> None:
    """The cluster is the APIC ID div 128, the bit is the remainder; three registers."""
    assert expected == call_args(masked(OVER_128, ids))


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param([0, 63, 64], [(1 | TOP, 1, 0, 0xFC)], id="first-words"),
        pytest.param([128, 191], [(0, 0, 1 | TOP, 0xFC)], id="third-word"),
        pytest.param([191, 192], [(0, 0, TOP, 0xFC), (1, 0, 0, 0x1FC)], id="aligned-at-192"),
        pytest.param([1, 128, 0], [(0b11, 0, 1, 0xFC)], id="one-cluster-where-128-needs-two"),
    ],
)
def test_cluster192_has_three_words(ids: list[int], expected: list[tuple[int, ...]]) -> None:
    """The cluster is the APIC ID div 192; four registers."""
    assert expected == call_args(masked(OVER_192, ids))


@given(st.permutations([0, 1, 127, 128, 129, 191, 192, 400]))
def test_the_count_does_not_depend_on_the_order(ids: list[int]) -> None:
    """The IDs are in three clusters of 128 (0, 1 and 3) and three of 192 (0, 1 and 2)."""
    counts = [len(call_args(masked(over, ids))) for over in (OVER_128, OVER_192)]

    assert counts == [3, 3]


@pytest.mark.parametrize(
    ("stack", "highest", "expected"),
    [
        pytest.param(OVER_128, 2147483647, None, id="128-below-two-to-the-31"),
        pytest.param(
            OVER_128,
            2147483648,
            "a 24-bit cluster index cannot reach APIC ID 2147483648",
            id="128-two-to-the-31",
        ),
        pytest.param(OVER_192, 3221225471, None, id="192-last"),
        pytest.param(
            OVER_192,
            3221225472,
            "a 24-bit cluster index cannot reach APIC ID 3221225472",
            id="192-first-beyond",
        ),
    ],
)
def test_a_cluster_index_has_24_bits(stack: str, highest: int, expected: str | None) -> None:
    """2^24 clusters of 128 are 2^31 CPUs."""
    chosen = stack_of(stack)

    assert expected == chosen.why_unsupported(chosen.guest(guest_of((0, highest))), CURRENT)


@pytest.mark.parametrize("stack", [OVER_128, OVER_192])
def test_a_mask_allbutself_does_not_interrupt_the_sender(stack: str) -> None:
    """The sender clears its own bit in a copy of the mask."""
    sending = sent(stack, burst_of("send_IPI_mask_allbutself", 0, 1, 2, source=1), range(3))

    assert [call[0] for call in call_args(sending.program)] == [0b101]
