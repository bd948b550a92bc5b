"""How a comparison is printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pvbench.compare import Pair
from pvbench.report import table


def comparison(pairs: list[Pair], style: str, *, by: str | None = None) -> str:
    """One row for each pair; ratios are of times, and say which kind."""
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
    text = len(columns)
    columns |= {
        "before": lambda p: table.seconds(p.before.value_s),
        "after": lambda p: table.seconds(p.after.value_s),
        "speed ratio": lambda p: f"{p.speed_ratio:.3f}",
        "time reduction": lambda p: f"{p.time_reduction:+.1%}",
        "verdict": lambda p: p.verdict,
        "counts": lambda p: p.counts,
    }
    rows = [[of(pair) for of in columns.values()] for pair in pairs]
    return table.render(list(columns), rows, style, left=text)


def residuals(pairs: list[Pair], style: str) -> str:
    """A prediction beside its reference."""
    rows = [
        [
            pair.before.fact("workload"),
            pair.before.fact("stack"),
            pair.before.fact("series"),
            table.seconds(pair.before.value_s),
            table.seconds(pair.after.value_s),
            f"{pair.after.value_s / pair.before.value_s - 1:+.1%}",
        ]
        for pair in pairs
    ]
    headers = ("workload", "stack", "series", "published", "modelled", "residual")
    return table.render(headers, rows, style, left=3)


def as_json(pairs: list[Pair], alone: list[str]) -> dict[str, Any]:
    """The same for scripts; times in seconds."""
    return {
        "pairs": [
            {
                "workload": pair.before.fact("workload"),
                "guest": pair.before.fact("guest"),
                "series": pair.before.fact("series"),
                "baseline": pair.before.fact("stack"),
                "side": pair.side,
                "before_s": pair.before.value_s,
                "after_s": pair.after.value_s,
                "speed_ratio": pair.speed_ratio,
                "time_reduction": pair.time_reduction,
                "verdict": pair.verdict,
                "counts": pair.counts,
            }
            for pair in pairs
        ],
        "alone": alone,
    }
