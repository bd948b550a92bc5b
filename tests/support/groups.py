"""Groups of tests, each of which runs in one process."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def write_groups(items: Iterable[pytest.Item]) -> None:
    """
    Write the group of each test to the end of its ID, where pytest-xdist looks for it.

    pytest-xdist 3.8 does so itself, but pytest 9.2 no longer reads the field that it writes.
    """
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        if mark and not item.nodeid.endswith(suffix := f"@{mark.args[0]}"):
            item._id = type(item._id).parse(item.nodeid + suffix)
