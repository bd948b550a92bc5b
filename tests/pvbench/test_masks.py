"""Masks of a guest, which are counted all at once."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from pvbench.kvm_overlay import Window, sliding_windows
from pvbench.masks import Masks
from pvbench.recording.sets import of_members
from support.helpers import CURRENT, guest_of

IDS = st.lists(st.integers(0, 400), min_size=70, max_size=70, unique=True)
MEMBERS = st.lists(st.frozensets(st.integers(0, 69), min_size=1), min_size=1, max_size=20)


def masks_of(members: Iterable[Iterable[int]], ids: Iterable[int]) -> Masks:
    """These sets of CPUs of a guest with *ids*."""
    return Masks(of_members(members).words, guest_of(tuple(ids)), CURRENT)


@given(MEMBERS, IDS, st.booleans())
def test_the_windows_of_masks_are_those_of_their_apic_ids_one_by_one(
    members: list[frozenset[int]], ids: list[int], bounded: bool
) -> None:
    """With and without the lower bound of the window test."""

    def joins(window: Window, apic_id: int) -> bool:
        return (apic_id > window.low or not bounded) and apic_id < window.low + 128

    windows, lost = masks_of(members, ids).windows(128, bounded=bounded)
    one_by_one = [
        sliding_windows([ids[cpu] for cpu in sorted(cpus)], 128, joins) for cpus in members
    ]

    assert windows.tolist() == [len(one) for one in one_by_one]
    assert lost.tolist() == [sum(len(w.lost) for w in one) for one in one_by_one]


def test_apic_ids_that_fit_a_window_take_one() -> None:
    """In any order."""
    windows, lost = masks_of([{0, 1}, {2}], (127, 0, 5)).windows(128, bounded=True)

    assert (windows.tolist(), lost.tolist()) == ([1, 1], [0, 0])


@given(MEMBERS, st.lists(st.integers(0, 9), min_size=70, max_size=70))
def test_groups_are_the_distinct_numbers_of_the_cpus(
    members: list[frozenset[int]], numbers: list[int]
) -> None:
    """The CPUs of a group need not be in one word."""
    groups = masks_of(members, range(70)).groups(numbers)

    assert groups.tolist() == [len({numbers[cpu] for cpu in cpus}) for cpus in members]


@given(MEMBERS, st.frozensets(st.integers(0, 69)))
def test_the_members_among_some_cpus_are_counted(
    members: list[frozenset[int]], cpus: frozenset[int]
) -> None:
    """A guest can have more CPUs than the masks have bits."""
    masks = masks_of(members, range(200))

    assert masks.members(cpus | {199}).tolist() == [len(one & cpus) for one in members]
    assert masks.sizes.tolist() == [len(one) for one in members]


def test_masks_of_a_larger_guest_have_no_cpus_beyond_their_bits() -> None:
    """The windows end with the last bit."""
    masks = masks_of([{0, 2}], [0, 1, 300, *range(301, 400)])

    assert masks.windows(128, bounded=True)[0].tolist() == [2]


def test_a_number_counts_for_each_mask() -> None:
    """A sender that makes one hypercall for any mask."""
    counts = masks_of([{0}, {1, 2}], range(3)).counts(hypercalls=1)

    assert counts.hypercalls.tolist() == [1, 1]
    assert counts.lost.tolist() == [0, 0]
