"""How a comparison is printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import attrs

from pvbench.compare.comparison import Comparison
from pvbench.compare.crossover import Crossover
from pvbench.compare.matching import Reason, Unpaired
from pvbench.compare.pairs import Pair, conditions_of
from pvbench.report import table

_NO_MATCH: Final = "no series match; --by AXIS pairs those that differ in one thing, see -h"


def text(comparison: Comparison, style: str) -> str:
    """All of it in a *style*; only ``plain`` has sentences around the table."""
    plain = style == "plain"
    parts = ["\n".join([*differs(comparison), *_heading(comparison)])] if plain else []
    if comparison.pairs and comparison.question.beside:
        parts.append(residuals(comparison.pairs, style))
    elif comparison.pairs:
        parts.append(ranking(comparison.pairs, style, by=comparison.question.by))
    body = "\n".join(filter(None, parts))
    if plain and comparison.crossovers and comparison.pairs:
        body += "\n\n" + "\n".join(crossings(comparison.crossovers))
    return body


def differs(comparison: Comparison) -> Iterator[str]:
    """What differs besides the times, a line for each fact."""
    for one in comparison.differences:
        yield f"differs: {one.fact}: {' | '.join(map(_short, one.values))}"


def _short(value: str) -> str:
    """A hash by its first digits, as in the names of cost profiles."""
    return re.sub(r"\b[0-9a-f]{64}\b", lambda digits: digits[0][:8], value)


def _heading(comparison: Comparison) -> Iterator[str]:
    """Which files these are, and what kind of numbers."""
    if not comparison.question.by:
        first, *others = comparison.files
        yield f"baseline: {first}"
        yield from (f"compared: {name}" for name in others)
    for remark in comparison.remarks:
        yield f"{', '.join(remark.files)}: {remark.text}"
    if comparison.question.beside and comparison.pairs:
        pair = comparison.pairs[0]
        kinds = f"{pair.baseline.capitalize()} and {pair.side}"
        yield f"{kinds} times: residuals, no ranking."
    yield from _how_judged(comparison)


def warnings(comparison: Comparison) -> Iterator[str]:
    """What is missing from the table."""
    yield from comparison.stale
    axis = comparison.question.by
    if not comparison.pairs:
        yield f"no two series differ in {axis} only" if axis else _NO_MATCH
    for reason in Reason:
        if names := [_place(one) for one in comparison.unpaired if one.reason is reason]:
            yield f"{reason.value}: {_first(names)}"


def _place(series: Unpaired) -> str:
    return series.name if series.reason is Reason.TWICE else f"{series.name} ({series.file})"


def _first(names: list[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def ranking(pairs: Sequence[Pair], style: str, *, by: str | None = None) -> str:
    """
    One row for each pair; ratios are of times, and say which kind.

    In a CSV times are seconds and parts are fractions, as plain numbers.
    """
    columns = _cases(pairs, by)
    text = len(columns)
    columns |= _numbers(pairs) if style == "csv" else _shown(pairs)
    return _rendered(columns, pairs, style, text)


def _cases(pairs: Sequence[Pair], by: str | None = None) -> dict[str, Callable[[Pair], str]]:
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
    columns: dict[str, Callable[[Pair], str]], pairs: Sequence[Pair], style: str, text: int
) -> str:
    rows = [[of(pair) for of in columns.values()] for pair in pairs]
    return table.render(list(columns), rows, style, left=text)


def _shown(pairs: Sequence[Pair]) -> dict[str, Callable[[Pair], str]]:
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


def _numbers(pairs: Sequence[Pair]) -> dict[str, Callable[[Pair], str]]:
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


def _how_judged(comparison: Comparison) -> Iterator[str]:
    """What stands behind the verdicts on a noisy clock."""
    if not comparison.noisy or comparison.question.beside:
        return
    yield (
        f"This clock is noisy: verdicts over the medians of boots, corrected for "
        f"{len(comparison.noisy)} pairs; equivalent is within "
        f"{comparison.question.margin_percent:g} %."
    )
    judged = [pair.judged for pair in comparison.noisy if pair.judged]
    if needed := [verdict.boots_needed for verdict in judged if verdict.boots_needed]:
        yield f"Inconclusive ones would need about {max(needed)} boots, see --boots."


def _ratio_interval(pair: Pair) -> str:
    if not pair.judged or pair.judged.low is None:
        return "-"
    return f"{pair.judged.low:.3f} to {pair.judged.high:.3f}"


def _fact(name: str, pair: Pair) -> str:
    return str(pair.before.fact(name))


def crossings(found: Sequence[Crossover]) -> Iterator[str]:
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


def residuals(pairs: Sequence[Pair], style: str) -> str:
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


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The same for scripts; times in seconds."""
    return {
        "differs": {one.fact: list(one.values) for one in comparison.differences},
        "pairs": list(map(_pair_json, comparison.pairs)),
        "crossovers": [attrs.asdict(one) for one in comparison.crossovers],
        "unpaired": [
            {"name": one.name, "file": one.file, "reason": one.reason.value}
            for one in comparison.unpaired
        ],
    }


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {
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
