"""kvm-pv-4.19: an ID below the window is treated as inside it, and its IPI is lost."""

from __future__ import annotations

import pytest

from pvbench.linux_era import LinuxEra
from support.helpers import (
    CURRENT,
    MASKS,
    burst_of,
    call_args,
    guest_of,
    hits,
    masked,
    sent,
    stack_of,
)

OVER = "kvm-pv-4.19/x2apic-physical"
TOP = 1 << 63


@pytest.mark.parametrize(
    ("ids", "expected", "lost"),
    [
        pytest.param([1, 128], [(1, TOP, 1)], set(), id="in-order"),
        pytest.param([1, 128, 0], [(1, TOP, 1)], {2}, id="the-bug-of-2018"),
        pytest.param([1, 127, 0], [(0b11, TOP, 0)], set(), id="window-can-still-slide"),
        pytest.param(
            [1, 128, 0, 5], [(1 | 1 << 4, TOP, 1)], {2}, id="the-window-continues-after-a-loss"
        ),
        pytest.param(
            [300, 400, 0, 10, 299],
            [(0b11, 1 << 37, 299)],
            {2, 3},
            id="far-below-is-lost-too",
        ),
        pytest.param([0, 128], [(1, 0, 0), (1, 0, 128)], set(), id="above-starts-a-window"),
    ],
)
def test_ids_below_the_window_are_lost(
    ids: list[int], expected: list[tuple[int, ...]], lost: set[int]
) -> None:
    """Before c15e0ae42c8e the window test had no lower bound."""
    cpus = tuple(range(len(ids)))
    drops = stack_of(OVER).sender.drops(cpus, guest_of(ids), MASKS)

    assert ([(*call, 0xFC) for call in expected], lost) == (
        call_args(masked(OVER, ids)),
        set(drops),
    )


def test_dropped_cpus_get_no_interrupt() -> None:
    """Delivered interrupts equal targets minus drops; CPU 3 sends."""
    guest = guest_of((1, 128, 0, 5000))

    assert hits(masked(OVER, [1, 128, 0]), guest, source=3) == [(0xFC, 0), (0xFC, 1)]


@pytest.mark.parametrize("linux", [MASKS, CURRENT], ids=["masks", "shorthands"])
@pytest.mark.parametrize(
    ("operation", "bitmap"),
    [
        pytest.param("send_IPI_all", 0b111, id="all"),
        pytest.param("send_IPI_allbutself", 0b101, id="all-but-self"),
    ],
)
def test_the_first_release_replaces_full_broadcasts(
    operation: str, bitmap: int, linux: LinuxEra
) -> None:
    """Linux removed the callbacks for all and allbutself in July 2019."""
    sending = sent(OVER, burst_of(operation, source=1), range(3), linux=linux)

    assert call_args(sending.program) == [(bitmap, 0, 0, 0xFC)]


def test_a_32_bit_guest_loses_ids_64_apart() -> None:
    """The window has 64 bits: IDs 1, 64, 0 fail as 1, 128, 0 do in a 64-bit guest."""
    guest = guest_of((1, 64, 0), bits=32)

    assert stack_of(OVER).sender.drops((0, 1, 2), guest, MASKS) == {2}
    assert call_args(masked(OVER, [1, 64, 0], bits=32)) == [(1, 1 << 31, 1, 0xFC)]
