"""How a comparison is printed."""

from __future__ import annotations

from typing import Any

from pvbench.compare import Pair
from pvbench.report import table


def comparison(pairs: list[Pair], style: str, *, by: str | None = None) -> str:
    """One row for each pair; ratios are of times, and say which kind."""
    sides = ("baseline", "side") if by else ("stack",)
    several = len({pair.before.fact("series") for pair in pairs}) > 1
    headers = (
        "workload",
        *(("series",) if several else ()),
        *sides,
        *(
            "guest",
            "before",
            "after",
            "speed ratio",
            "time reduction",
            "verdict",
            "counts",
        ),
    )
    rows = [
        [
            pair.before.fact("workload"),
            *([pair.before.fact("series")] if several else []),
            *([_side(pair, by), pair.side] if by else [pair.before.fact("stack")]),
            pair.before.fact("guest"),
            table.seconds(pair.before.value_s),
            table.seconds(pair.after.value_s),
            f"{pair.speed_ratio:.3f}",
            f"{pair.time_reduction:+.1%}",
            pair.verdict,
            pair.counts,
        ]
        for pair in pairs
    ]
    return table.render(headers, rows, style, left=len(sides) + 2 + several)


def _side(pair: Pair, by: str) -> str:
    """The baseline by its stack; along another axis also what is compared there."""
    stack = str(pair.before.fact("stack"))
    return stack if by == "sender" else f"{stack} {pair.baseline}"


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
