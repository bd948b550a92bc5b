"""
What a result file can hold: times, and facts of the kinds that the schema says.

Files are checked when they are read, and what a worker reports before it is stored, so
that pvbench reads every file that it has written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pvbench.errors import ProtocolError
from pvbench.results import schema
from pvbench.shapes import LONGEST_TEXT

Kinds = dict[str, bool]  # whether a fact is a number, by its name

_SHORTEST_S, _LONGEST_S = 1e-15, 1e290
_INTEGERS: Final = 1 << 63


def kinds() -> Kinds:
    """The kinds of the facts in the schema."""
    return dict.fromkeys(schema.texts(), False) | dict.fromkeys(schema.numbers(), True)


def time_defects(seconds: Iterable[float]) -> Iterator[str]:
    """Why times cannot be stored, in sentences."""
    if not all(_SHORTEST_S <= value <= _LONGEST_S for value in seconds):
        yield f"there is a time outside {_SHORTEST_S:g} to {_LONGEST_S:g} s"


def fact_defects(metadata: dict[str, Any], is_number: Kinds) -> Iterator[str]:
    """Why metadata cannot be stored, in sentences; *is_number* are the `kinds`."""
    for key, fact in metadata.items():
        if not _is_plain(fact):
            yield f"{key} is not a finite number or a text of at most {LONGEST_TEXT} characters"
    for key, fact in facts_of(metadata).items():
        kind = is_number.get(key)
        if kind is False and not isinstance(fact, str):
            yield f"{key} is not a text"
        if kind and (isinstance(fact, str) or fact < 0):
            yield f"{key} is not a number of 0 or more"


def check(metadata: dict[str, Any], name: str) -> None:
    """
    Check metadata that a worker reports; *name* says what it is.

    Raises:
        ProtocolError: it cannot be stored.
    """
    if why := next(fact_defects(metadata, kinds()), ""):
        raise ProtocolError(f"{name} cannot be stored: {why}")


def facts_of(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata of pvbench without its prefix."""
    own = {key: fact for key, fact in metadata.items() if key.startswith(schema.PREFIX)}
    return schema.from_metadata(own)


def _is_plain(fact: object) -> bool:
    """Whether a value is a line of text, or a number that can be computed with."""
    if isinstance(fact, float):
        return math.isfinite(fact) and abs(fact) <= _LONGEST_S
    if isinstance(fact, str):
        is_line = fact.strip() and not set("\r\n") & set(fact.strip())
        return bool(is_line) and len(fact) <= LONGEST_TEXT
    return type(fact) is int and abs(fact) < _INTEGERS
