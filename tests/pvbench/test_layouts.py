"""Layouts of APIC IDs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.layouts import Layout, sockets, threads_last

counts = st.lists(st.integers(1, 5), min_size=3, max_size=5)


@given(counts)
def test_the_ids_of_sockets_ascend_and_fit_the_bits_of_the_levels(levels: list[int]) -> None:
    """Each level is padded to a power of two, so that IDs may be left out but not equal."""
    layout = sockets(*levels)
    bits = sum((count - 1).bit_length() for count in levels)

    assert list(layout.apic_ids) == sorted(set(layout.apic_ids))
    assert layout.apic_ids[-1] < 1 << bits
    assert (layout.sockets, layout.threads) == (levels[0], levels[-1])


@given(counts)
def test_threads_last_is_another_order_of_the_same_cpus(levels: list[int]) -> None:
    """The first CPUs are the first threads of all cores."""
    layout = sockets(*levels)
    ids = threads_last(layout).apic_ids
    cores = len(ids) // levels[-1]

    assert sorted(ids) == sorted(layout.apic_ids)
    assert ids[:cores] == layout.apic_ids[:: levels[-1]]


def test_two_threads_alternate_before_they_are_put_last() -> None:
    """Siblings have neighbouring CPU numbers in a guest of QEMU."""
    with pytest.raises(ValueError, match="only the form sockets: tells"):
        threads_last(Layout((0, 1, 2, 3)))
    assert threads_last(Layout((0, 1, 2, 3), threads=2)) == Layout((0, 2, 1, 3), threads=2)
