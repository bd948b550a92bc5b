"""kvm-pv128-v3: one hypercall, APIC IDs from 128 on are lost."""

from __future__ import annotations

import pytest

from pvbench.ops import Hypercall, IrqRestore, IrqSave, Scan
from support.helpers import (
    CURRENT,
    MASKS,
    burst_of,
    call_args,
    guest_of,
    masked,
    sent,
    stack_of,
)

OVER = "kvm-pv128-v3/x2apic-physical"
TOP = 1 << 63


@pytest.mark.parametrize(
    ("ids", "low", "high"),
    [
        pytest.param([0], 1, 0, id="first"),
        pytest.param([63], TOP, 0, id="last-of-the-low-word"),
        pytest.param([64], 0, 1, id="first-of-the-high-word"),
        pytest.param([127], 0, TOP, id="last-that-fits"),
        pytest.param([128], 0, 0, id="first-that-is-dropped-still-costs-a-call"),
        pytest.param([200, 0, 300], 1, 0, id="high-ids-are-dropped-among-others"),
        pytest.param([127, 0, 64], 1, 1 | TOP, id="any-order-is-one-call"),
    ],
)
def test_any_mask_is_one_call_with_three_arguments(ids: list[int], low: int, high: int) -> None:
    """They are two words for APIC IDs 0..127, even if both are zero, and the vector."""
    assert masked(OVER, ids) == (
        IrqSave(),
        Scan(len(ids)),
        Hypercall(10, (low, high, 0xFC)),
        IrqRestore(),
    )


def test_an_empty_mask_costs_nothing() -> None:
    """An empty cpumask returns early."""
    assert sent(OVER, burst_of("send_IPI_mask"), range(4)).program == ()


@pytest.mark.parametrize(
    ("ids", "lost"),
    [
        pytest.param((0, 127), set(), id="127-fits"),
        pytest.param((0, 128), {1}, id="128-is-lost"),
        pytest.param((128, 0, 500), {0, 2}, id="cpus-not-ids"),
    ],
)
def test_drops_names_the_lost_cpus(ids: tuple[int, ...], lost: set[int]) -> None:
    """The patch ignores IDs of 128 and above; pvbench must show the loss."""
    cpus = tuple(range(len(ids)))

    assert lost == stack_of(OVER).sender.drops(cpus, guest_of(ids), MASKS)


@pytest.mark.parametrize(
    ("operation", "bitmap"),
    [
        pytest.param("send_IPI_mask", 0b11, id="mask"),
        pytest.param("send_IPI_mask_allbutself", 0b01, id="mask-allbutself"),
        pytest.param("send_IPI_allbutself", 0b101, id="allbutself"),
        pytest.param("send_IPI_all", 0b111, id="all"),
    ],
)
def test_it_replaces_four_callbacks(operation: str, bitmap: int) -> None:
    """CPU 1 sends; the masks name CPUs 0 and 1."""
    sending = sent(OVER, burst_of(operation, 0, 1, source=1), range(3), linux=CURRENT)

    assert ([(bitmap, 0, 0xFC)], {operation}) == (
        call_args(sending.program),
        set(sending.overlaid),
    )


@pytest.mark.parametrize("overlay", ["kvm-pv128-v3", "kvm-pv-cluster128", "kvm-pv-cluster192"])
def test_the_proposals_of_2018_cannot_send_an_nmi(overlay: str) -> None:
    """Their last register has no delivery mode."""
    sender = stack_of(f"{overlay}/x2apic-physical").sender
    guest = guest_of(range(4))

    refusals = [
        sender.why_refused(burst_of("send_IPI_mask", 1, vector=v), guest) for v in (2, 0x20)
    ]

    assert refusals == [
        "the hypercall carries a vector but no delivery mode, so it cannot send NMIs",
        None,
    ]


@pytest.mark.parametrize("overlay", ["kvm-pv128-v3", "kvm-pv-cluster128", "kvm-pv-cluster192"])
def test_the_proposals_of_2018_are_for_64_bit_guests(overlay: str) -> None:
    """The patches support 64-bit guests only."""
    stack = stack_of(f"{overlay}/x2apic-physical")

    reasons = [
        stack.why_unsupported(stack.guest(guest_of(range(4), bits=b)), CURRENT)
        for b in (32, 64)
    ]

    assert reasons == [f"{overlay} is for 64-bit guests", None]
