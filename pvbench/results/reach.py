"""Whether code that is not the same on two sides was executed, as a result stores it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pvbench.text import shortened_list

if TYPE_CHECKING:
    from pvbench.site import Reach

REACHED: Final = "reached"
NOT_REACHED: Final = "not reached"
UNKNOWN: Final = "unknown"
_LISTED: Final = 8  # functions


def facts_of(reach: Reach) -> dict[str, str]:
    """The facts of the schema, one of them a sentence with the names of the functions."""
    ran, idle = (shortened_list(names, _LISTED) for names in (reach.ran, reach.idle))
    if reach.ran:
        others = f"; these did not: {idle}" if idle else ""
        return _facts(REACHED, f"These functions with other code ran: {ran}{others}.")
    none = f"none of the functions with other code ran: {idle}" if idle else ""
    if reach.unknown:
        reasons = "; ".join(filter(None, (reach.unknown, none)))
        return _facts(UNKNOWN, f"It is not known whether other code was executed: {reasons}.")
    return _facts(NOT_REACHED, f"Not exercised here: {none or 'no function has other code'}.")


def _facts(kind: str, sentence: str) -> dict[str, str]:
    return {"reach": kind, "reach_note": sentence}
