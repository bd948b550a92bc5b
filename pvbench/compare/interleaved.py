"""The files of one session of `pvbench ab`, whose boots took turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pvbench.results import schema
from pvbench.results.rows import Row


def free_axes(files: Mapping[str, Sequence[Row]]) -> tuple[str, ...]:
    """
    The axes in which the two sides of a session differ as a whole.

    Each side has one value of such an axis, as after ``--a "--sender native"``; rows that
    differ only in these axes make a pair.  Other files have none.
    """
    if len(files) != 2:
        return ()
    one, other = files.values()
    if not in_one_session(one, other):
        return ()
    return tuple(
        axis for axis in schema.axes() if _differ(_values(one, axis), _values(other, axis))
    )


def in_one_session(one: Sequence[Row], other: Sequence[Row]) -> bool:
    """Whether two files are sides of a session; they may have no boots in common."""
    if {row.file for row in one} & {row.file for row in other}:
        return False
    return bool(_sessions(one) & _sessions(other))


def _sessions(rows: Sequence[Row]) -> set[str]:
    return {session for row in rows for session in row.sessions if session}


def _values(rows: Sequence[Row], axis: str) -> set[Any]:
    return {row.fact(axis) for row in rows}


def _differ(one: set[Any], other: set[Any]) -> bool:
    return len(one) == len(other) == 1 and one != other
