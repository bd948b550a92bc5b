"""kvm-pv-4.19: an ID below the window passes for one inside, and is lost."""

from __future__ import annotations

import pytest

from support.helpers import burst_of, call_args, guest_of, hits, masked, sent, stack_of

OVER = "kvm-pv-4.19/x2apic-physical"
TOP = 1 << 63


@pytest.mark.parametrize(
    ("ids", "expected", "lost"),
    [
        pytest.param([1, 128], [(1, TOP, 1)], set(), id="in-order"),
        pytest.param([1, 128, 0], [(1, TOP, 1)], {2}, id="the-bug-of-2018"),
        pytest.param([1, 127, 0], [(0b11, TOP, 0)], set(), id="window-can-still-slide"),
        pytest.param(
            [1, 128, 0, 5], [(1 | 1 << 4, TOP, 1)], {2}, id="the-window-goes-on-after-a-loss"
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
def test_bits_below_the_window_miss_the_bitmap(
    ids: list[int], expected: list[tuple[int, ...]], lost: set[int]
) -> None:
    """Before c15e0ae42c8e the window test lacked its lower end."""
    cpus = tuple(range(len(ids)))
    drops = stack_of(OVER).sender.drops(cpus, guest_of(ids))

    assert ([(*call, 0xFC) for call in expected], lost) == (
        call_args(masked(OVER, ids)),
        set(drops),
    )


def test_what_it_says_it_drops_is_what_nobody_gets() -> None:
    """Delivered must equal targets minus drops; the sender is CPU 3."""
    guest = guest_of((1, 128, 0, 5000))

    assert hits(masked(OVER, [1, 128, 0]), guest, source=3) == [(0xFC, 0), (0xFC, 1)]


@pytest.mark.parametrize("shorthands", [False, True], ids=["masks", "shorthands"])
@pytest.mark.parametrize(
    ("operation", "bitmap"),
    [
        pytest.param("send_IPI_all", 0b111, id="all"),
        pytest.param("send_IPI_allbutself", 0b101, id="all-but-self"),
    ],
)
def test_the_first_release_hooks_full_broadcasts(
    operation: str, bitmap: int, shorthands: bool
) -> None:
    """The hooks for all and allbutself were deleted in July 2019 only."""
    made = sent(OVER, burst_of(operation, source=1), range(3), shorthands=shorthands)

    assert call_args(made.program) == [(bitmap, 0, 0, 0xFC)]


def test_a_32_bit_guest_loses_at_64() -> None:
    """The window is 64 wide there: 1, 64, 0 is what 1, 128, 0 is in 64 bits."""
    guest = guest_of((1, 64, 0), bits=32)

    assert stack_of(OVER).sender.drops((0, 1, 2), guest) == {2}
    assert call_args(masked(OVER, [1, 64, 0], bits=32)) == [(1, 1 << 31, 1, 0xFC)]
