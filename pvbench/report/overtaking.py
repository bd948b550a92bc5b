"""The crossovers of a run in sentences: from how many targets on a sender is faster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from pvbench.compare.crossover import Crossover
from pvbench.compare.unpaired import LOSES
from pvbench.document import Block, Notes
from pvbench.report.crossovers import table
from pvbench.text import counted, listed

Stretch = tuple[str, int, int]
_PREPOSITIONS: Final = {"equal": "to", "equivalent": "to", "inconclusive": "beside"}


def blocks(crossovers: Sequence[Crossover]) -> Iterator[Block]:
    """A list of sentences for each guest, how they are known, and a table for JSON."""
    yield table(crossovers)
    groups: dict[tuple[Any, ...], list[Crossover]] = {}
    for one in crossovers:
        key = (one.guest, one.conditions, one.values, one.parameter)
        groups.setdefault(key, []).append(one)
    for members in groups.values():
        lines = tuple(_sentences(members))
        yield Notes(title=_title(members[0]), lines=lines, bulleted=True, in_json=False)
    yield Notes(lines=tuple(_basis(crossovers)), in_json=False)


def _title(one: Crossover) -> str:
    conditions = f", {one.conditions}" if one.conditions else ""
    numbers = listed([*map(str, one.values[:-1]), _number(one, one.values[-1])])
    return f"Crossovers on {one.guest}{conditions}, with {numbers}:"


def _sentences(crossovers: Sequence[Crossover]) -> Iterator[str]:
    """A sentence for each verdict; families and senders with the same verdict share it."""
    sides: dict[tuple[Any, ...], dict[str, Crossover]] = {}
    for one in crossovers:
        key = (one.family, one.baseline, one.stretches, one.intervals)
        sides.setdefault(key, {})[one.side] = one
    families: dict[str, list[str]] = {}
    for (family, *_), members in sides.items():
        sentence = _sentence(next(iter(members.values())), list(members))
        families.setdefault(sentence, []).append(family)
    for sentence, names in families.items():
        yield f"{listed(names)}: {sentence}."


def _sentence(one: Crossover, sides: Sequence[str]) -> str:
    """The last verdict with the senders, then the verdicts before it."""
    *earlier, last = one.stretches
    clauses = [f"{_where(one, last)} {_statement(last, sides, one.baseline)}"]
    clauses += [f"{_where(one, stretch)} {_shorter(stretch, sides)}" for stretch in earlier]
    ratios = [
        f"{low:.3f} to {high:.3f} {_at(one, value)}" for value, low, high in one.intervals
    ]
    evidence = f" (95 % interval of the speed ratio: {listed(ratios)})" if ratios else ""
    return "; ".join(clauses) + evidence


def _statement(stretch: Stretch, sides: Sequence[str], baseline: str) -> str:
    verdict = stretch[0]
    several = len(sides) > 1
    if verdict == LOSES:
        return f"{listed(sides)} {'lose' if several else 'loses'} IPIs"
    comparison = f"{verdict} {_PREPOSITIONS.get(verdict, 'than')} {baseline}"
    return f"{listed(sides)} {'are' if several else 'is'} {comparison}"


def _shorter(stretch: Stretch, sides: Sequence[str]) -> str:
    """An earlier verdict on the same senders."""
    several = len(sides) > 1
    if stretch[0] == LOSES:
        return "they lose IPIs" if several else "it loses IPIs"
    return f"{'they are' if several else 'it is'} {stretch[0]}"


def _where(one: Crossover, stretch: Stretch) -> str:
    _, low, high = stretch
    if low == high:
        return _at(one, low)
    if high == one.values[-1] and low != one.values[0]:
        return f"from {_number(one, low)} on"
    return f"from {low} to {_number(one, high)}"


def _at(one: Crossover, value: int) -> str:
    return f"at {_number(one, value)}"


def _number(one: Crossover, value: int) -> str:
    """A value with its parameter as a noun: ``4 targets``."""
    return counted(value, one.parameter.removesuffix("s"))


def _basis(crossovers: Iterable[Crossover]) -> Iterator[str]:
    """How the crossovers are known."""
    parts = [one.assumed for one in crossovers if one.assumed is not None]
    for kind in dict.fromkeys(one.kind for one in crossovers):
        if kind == "modelled":
            share = (
                f"; up to {max(parts):.0%} of a time rests on assumed costs" if parts else ""
            )
            text = f"These crossovers are modelled, not measured{share}."
            yield text.replace("%", " %")
        else:
            yield (
                f"These crossovers are {kind}; the intervals of all overlays hold at once, and "
                "so do those of the drivers."
            )
