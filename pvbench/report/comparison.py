"""How a comparison is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs

from pvbench.compare.crossover import Crossover
from pvbench.compare.pairs import Pair, conditions_of
from pvbench.report import table


def comparison(pairs: list[Pair], style: str, *, by: str | None = None) -> str:
    """
    One row for each pair; ratios are of times, and say which kind.

    In a CSV times are seconds and parts are fractions, as plain numbers.
    """
    columns = _cases(pairs, by)
    text = len(columns)
    columns |= _numbers(pairs) if style == "csv" else _shown(pairs)
    return _rendered(columns, pairs, style, text)


def _cases(pairs: list[Pair], by: str | None = None) -> dict[str, Callable[[Pair], str]]:
    """Columns that tell which case a row is about."""
    several = len({pair.before.fact("series") for pair in pairs}) > 1
    columns: dict[str, Callable[[Pair], str]] = {
        "workload": lambda p: p.before.fact("workload")
    }
    if several:
        columns["series"] = lambda p: p.before.fact("series")
    if by != "sender":
        columns["stack"] = lambda p: p.before.fact("stack")
    if by:
        columns |= {"baseline": lambda p: p.baseline, "side": lambda p: p.side}
    if by != "guest":
        columns["guest"] = lambda p: p.before.fact("guest")
    for fact in conditions_of(pairs):
        columns[fact.replace("_", " ")] = partial(_fact, fact)
    return columns


def _rendered(
    columns: dict[str, Callable[[Pair], str]], pairs: list[Pair], style: str, text: int
) -> str:
    rows = [[of(pair) for of in columns.values()] for pair in pairs]
    return table.render(list(columns), rows, style, left=text)


def _shown(pairs: list[Pair]) -> dict[str, Callable[[Pair], str]]:
    """Columns for people."""
    columns: dict[str, Callable[[Pair], str]] = {
        "before": lambda p: table.seconds(p.before.value_s),
        "after": lambda p: table.seconds(p.after.value_s),
        "speed ratio": lambda p: f"{p.speed_ratio:.3f}",
        "time reduction": lambda p: f"{p.time_reduction:+.1%}",
        "verdict": lambda p: p.verdict,
        "counts": lambda p: p.counts,
    }
    if any(pair.judged for pair in pairs):
        columns["95 % of the ratio"] = _ratio_interval
    if any(pair.assumed for pair in pairs):
        columns["assumed"] = lambda p: p.assumed
    return columns


def _numbers(pairs: list[Pair]) -> dict[str, Callable[[Pair], str]]:
    """The same for programs: seconds and fractions."""
    columns: dict[str, Callable[[Pair], str]] = {
        "before": lambda p: repr(p.before.value_s),
        "after": lambda p: repr(p.after.value_s),
        "speed ratio": lambda p: f"{p.speed_ratio:.9g}",
        "time reduction": lambda p: f"{p.time_reduction:.9g}",
        "verdict": lambda p: p.verdict,
        "counts": lambda p: p.counts,
    }
    if any(pair.assumed for pair in pairs):
        columns["assumed"] = lambda p: p.assumed
    return columns


def how_judged(pairs: list[Pair], margin: float) -> Iterator[str]:
    """What stands behind the verdicts on a noisy clock."""
    noisy = [pair for pair in pairs if pair.is_noisy]
    yield (
        f"This clock is noisy: verdicts over the medians of boots, corrected for "
        f"{len(noisy)} pairs; equivalent is within {margin:g} %."
    )
    needed = [p.judged.boots_needed for p in noisy if p.judged and p.judged.boots_needed]
    if needed:
        yield f"Inconclusive ones would need about {max(needed)} boots, see --boots."


def _ratio_interval(pair: Pair) -> str:
    if not pair.judged or pair.judged.low is None:
        return "-"
    return f"{pair.judged.low:.3f} to {pair.judged.high:.3f}"


def _fact(name: str, pair: Pair) -> str:
    return str(pair.before.fact(name))


def crossings(found: list[Crossover]) -> Iterator[str]:
    """From which value of a family's parameter on one side beats another."""
    sides: dict[str, dict[str, list[str]]] = {}
    for one in found:
        of = f"{one.family} on {one.guest}"
        if one.stack != one.baseline:
            of += f", {one.stack}"
        if one.conditions:
            of += f", {one.conditions}"
        head = f"{of}, {one.series}, against {one.baseline}, by {one.parameter}"
        sides.setdefault(head, {}).setdefault(_told(one), []).append(one.side)
    for head, told in sides.items():
        yield f"{head}:"
        for text, names in told.items():
            yield f"  {text}: {', '.join(names)}"


def _told(one: Crossover) -> str:
    last = len(one.stretches) - 1
    return ", ".join(
        f"{verdict} at {low}"
        if low == high
        else f"{verdict} from {low} to {high}"
        if place < last or not place
        else f"{verdict} from {low} on (to {high})"
        for place, (verdict, low, high) in enumerate(one.stretches)
    )


def residuals(pairs: list[Pair], style: str) -> str:
    """A prediction beside its reference; in a CSV as plain numbers."""
    plain = style == "csv"
    seconds, part = (repr, "{:.9g}") if plain else (table.seconds, "{:+.1%}")
    columns = _cases(pairs)
    text = len(columns)
    columns |= {
        pairs[0].baseline: lambda p: seconds(p.before.value_s),
        pairs[0].side: lambda p: seconds(p.after.value_s),
        "residual": lambda p: part.format(p.after.value_s / p.before.value_s - 1),
    }
    return _rendered(columns, pairs, style, text)


def as_json(pairs: list[Pair], alone: list[str], found: list[Crossover]) -> dict[str, Any]:
    """The same for scripts; times in seconds."""
    return {
        "pairs": [
            {
                "workload": pair.before.fact("workload"),
                "guest": pair.before.fact("guest"),
                "series": pair.before.fact("series"),
                "stack": pair.before.fact("stack"),
                "baseline": pair.baseline,
                "side": pair.side,
                "before_s": pair.before.value_s,
                "after_s": pair.after.value_s,
                "speed_ratio": pair.speed_ratio,
                "time_reduction": pair.time_reduction,
                "verdict": pair.verdict,
                "judged": attrs.asdict(pair.judged) if pair.judged else None,
                "counts": pair.counts,
                "before_assumed": pair.before.fact("assumed"),
                "after_assumed": pair.after.fact("assumed"),
            }
            for pair in pairs
        ],
        "crossovers": [attrs.asdict(one) for one in found],
        "alone": alone,
    }
