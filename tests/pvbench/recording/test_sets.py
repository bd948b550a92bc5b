"""Tables of sets of CPUs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pvbench.recording import sets

MEMBERS = st.lists(st.frozensets(st.integers(0, 200), min_size=1), max_size=20)


@given(MEMBERS)
def test_a_set_has_the_members_that_it_was_made_of(members: list[frozenset[int]]) -> None:
    """Sets of more than 64 CPUs have several words."""
    table = sets.of_members(members)

    assert [frozenset(table.members(n)) for n in range(len(table))] == members
    assert table.sizes.tolist() == [len(one) for one in members]


@given(MEMBERS, MEMBERS)
def test_distinct_sets_stand_for_those_of_joined_tables(
    first: list[frozenset[int]], second: list[frozenset[int]]
) -> None:
    """Tables of different widths can be joined."""
    table, index = sets.distinct(sets.joined([sets.of_members(first), sets.of_members(second)]))
    members = [frozenset(table.members(n)) for n in range(len(table))]

    assert len({*members}) == len(members)
    assert [members[n] for n in index] == first + second


def test_a_matrix_has_a_column_for_each_cpu() -> None:
    """It can have more or fewer columns than the words have bits."""
    table = sets.of_members([{0, 2}, {65}])

    assert table.matrix(3).tolist() == [[True, False, True], [False] * 3]
    assert table.matrix(200).nonzero()[1].tolist() == [0, 2, 65]
    assert table.highest() == 65


def test_an_empty_table_has_no_highest_cpu() -> None:
    """Joining no table gives an empty one."""
    table = sets.joined([])

    assert (len(table), table.highest()) == (0, -1)
    assert len(sets.distinct(table)[0]) == 0
