"""Short names for the cases of a comparison, which state only what varies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from pvbench.compare.pairs import Pair, conditions_of
from pvbench.results import schema
from pvbench.text import counted

Label = Callable[[Pair], str]
_FACTS: Final = ("series", "stack", "guest")  # beside the workload, where they vary


def labels(pairs: Sequence[Pair]) -> Label:
    """A function that names the case of one of *pairs*."""
    parts = columns(pairs)

    def label(pair: Pair) -> str:
        return " ".join(filter(None, (text(pair) for text in parts.values())))

    return label


def columns(pairs: Sequence[Pair]) -> dict[str, Label]:
    """The facts that tell *pairs* apart, and the text of each for one of them."""
    varying = [fact for fact in _FACTS if _varies(fact, pairs)]
    parts: dict[str, Label] = {f: partial(_value, f) for f in ("workload", *varying)}
    return parts | {fact: partial(_phrase, fact) for fact in conditions_of(pairs)}


def _value(fact: str, pair: Pair) -> str:
    return str(pair.after.fact(fact))


def _phrase(fact: str, pair: Pair) -> str:
    """The words of a condition; its value where the schema has none for it."""
    return " ".join(schema.phrases(pair.after.facts, [fact])) or _value(fact, pair)


def _varies(fact: str, pairs: Sequence[Pair]) -> bool:
    """Whether *fact* tells pairs with the same two sides apart."""
    values: dict[tuple[str, str], set[str]] = {}
    for pair in pairs:
        values.setdefault((pair.baseline, pair.side), set()).add(str(pair.after.fact(fact)))
    return any(len(of_side) > 1 for of_side in values.values())


def by_side(pairs: Iterable[Pair]) -> dict[tuple[str, str], list[Pair]]:
    """The pairs with the same two sides: baseline and side."""
    sides: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        sides.setdefault((pair.baseline, pair.side), []).append(pair)
    return sides


def boots(pair: Pair) -> str:
    """The number of boots of a pair, of both sides if they differ."""
    before, after = (len(row.boots_s) for row in pair.rows)
    return counted(after, "boot") if before == after else f"{before} and {after} boots"
