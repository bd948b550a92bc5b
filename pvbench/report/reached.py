"""Sentences about whether the code in which the sides of `pvbench ab` differ was executed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pvbench.compare.pairs import Pair


def sentences(pairs: Iterable[Pair]) -> Iterator[str]:
    """A sentence for all guests, or one for each set of guests that share it."""
    guests: dict[str, dict[str, None]] = {}
    for pair in pairs:
        if pair.reach_note:
            guests.setdefault(pair.reach_note, {})[str(pair.after.fact("guest"))] = None
    for note, names in guests.items():
        yield note if len(guests) == 1 else f"Guests {', '.join(names)}: {note}"
