"""Guest memory for a slice is handed out in order, cleared and aligned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench_deliver_kvm.measure.arena import Arena
from pvbench_deliver_kvm.vmm import layout
from pvbench_deliver_kvm.vmm.commands import GuestError
from pvbench_deliver_kvm.vmm.guest_memory import GuestMemory


@pytest.fixture(scope="module")
def memory() -> Iterator[GuestMemory]:
    """Of a guest that does not run."""
    with closing(GuestMemory()) as memory:
        yield memory


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=20))
def test_each_piece_has_its_own_cache_lines(memory: GuestMemory, pieces: list[bytes]) -> None:
    """Pieces do not overlap, whatever their sizes."""
    arena = Arena(memory)
    addresses = [arena.put(piece) for piece in pieces]

    assert [address % 64 for address in addresses] == [0] * len(pieces)
    assert [memory.read(a, len(p)) for a, p in zip(addresses, pieces, strict=True)] == pieces


def test_memory_of_an_earlier_slice_is_cleared(memory: GuestMemory) -> None:
    """Each slice starts at the front again."""
    used = Arena(memory).put(b"\xff" * 100)
    second = Arena(memory).zeros(100)

    assert second == used == layout.FREE_BASE
    assert memory.read(second, 100) == bytes(100)


def test_a_task_that_fills_the_guest_fits(memory: GuestMemory) -> None:
    """One more cache line does not."""
    arena = Arena(memory)
    room = layout.MEMORY_SIZE - layout.FREE_BASE
    arena.zeros(room - 64)
    arena.zeros(64)

    with pytest.raises(GuestError, match="needs more than the guest's 368 MiB of memory"):
        arena.zeros(1)
