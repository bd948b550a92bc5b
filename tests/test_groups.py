"""The tests of a group run in one process, however many processes there are."""

from __future__ import annotations

import pytest

from support.groups import write_groups


@pytest.mark.parametrize("name", ["test_one", "test_one[a]", "test_one[a@b]"])
def test_a_group_is_at_the_end_of_the_id_of_a_test(
    request: pytest.FixtureRequest, name: str
) -> None:
    """It is there once, and a test without a group keeps its ID."""
    item, other = (
        pytest.Function.from_parent(request.node.parent, name=name, callobj=lambda: None)
        for _ in range(2)
    )
    item.add_marker(pytest.mark.xdist_group("guests"))
    for _ in range(2):
        write_groups([item, other])

    assert item.nodeid == f"{other.nodeid}@guests"
    assert other.nodeid.endswith(f"test_groups.py::{name}")
