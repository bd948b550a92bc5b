"""The reason why a claim compares nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pvbench.compare.axis import SENDER
from pvbench.compare.comparison import Comparison
from pvbench.results import schema
from pvbench.results.rows import Row

_ONE_SENDER: Final = "The file has one sender; name a second file, or run two senders."
_NO_SIDES: Final = "No two cases differ only in the {axis}."
_NO_MATCH: Final = "The files have no case in common."


def reason(comparison: Comparison, rows: Sequence[Row]) -> str:
    """A sentence about a comparison without pairs, and the remedy of one sender."""
    axis = comparison.question.by
    if axis is None:
        return _NO_MATCH
    sides = {schema.side(axis, row.facts) for row in rows}
    is_one_sender = axis == SENDER and len(sides) == len(comparison.files) == 1
    return _ONE_SENDER if is_one_sender else _NO_SIDES.format(axis=axis)
