"""A chart of the speed ratio of each case, with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pvbench.compare.pairs import Pair
from pvbench.report.claim.labels import Label, by_side, labels
from pvbench.report.html.figure import (
    MOST_SERIES,
    Figure,
    Record,
    Spec,
    axis,
    by_series,
    chart,
    named,
)

_MOST_CASES: Final = 24
_NOTE: Final = "Right of the line at 1 the new side is faster; the axis is logarithmic."
_EXACT: Final = "The clock is exact, so ratios have no interval."
_INTERVAL: Final = "Bars are the intervals that the verdicts follow from."
_PATHS: Final = "Times are path lengths, and bars reach over all pairs of boots."
_VERDICTS: Final = (
    *("faster", "slower", "shorter", "longer", "equal", "equivalent", "inconclusive"),
    "other",
)


def figures(pairs: Sequence[Pair]) -> Iterator[Figure]:
    """A chart for each two sides, with the cases that changed most."""
    label = labels(pairs)
    ranked = (pair for pair in pairs if pair.is_ranked)
    for (baseline, side), members in [*by_side(ranked).items()][:MOST_SERIES]:
        yield _figure(baseline, side, members, label)


def _figure(baseline: str, side: str, pairs: list[Pair], label: Label) -> Figure:
    largest = sorted(pairs, key=lambda pair: pair.order[1])[:_MOST_CASES]
    records = [_record(pair, label) for pair in largest]
    basis = _PATHS if pairs[0].is_near_exact else _INTERVAL if pairs[0].is_noisy else _EXACT
    hidden = len(pairs) - len(records)
    more = f" {hidden} cases with smaller changes are in the tables only." if hidden else ""
    return Figure(
        title=f"Speed ratios: {side} against {baseline}",
        note=f"{_NOTE} {basis}{more}",
        spec=_spec(records),
        records=records,
    )


def _record(pair: Pair, label: Label) -> Record:
    low, high = _interval(pair)
    verdict = pair.verdict if pair.verdict in _VERDICTS else "other"
    return {
        "case": label(pair),
        "ratio": pair.speed_ratio,
        "low": low,
        "high": high,
        "series": verdict,
        "text": f"{label(pair)}: {pair.speed_ratio:.3f}, {pair.verdict or 'no verdict'}",
    }


def _interval(pair: Pair) -> tuple[float | None, float | None]:
    """The interval of the ratio; none on an exact clock."""
    if pair.judged:
        return pair.judged.low, pair.judged.high
    if pair.is_near_exact and pair.slowdown:
        low, high = pair.slowdown
        return 1 / high, 1 / low
    return None, None


def _spec(records: list[Record]) -> Spec:
    names = [name for name in _VERDICTS if any(r["series"] == name for r in records)]
    y: Spec = {"field": "case", "type": "nominal", "sort": None, "title": None}
    bounds = [r[key] for r in records for key in ("ratio", "low", "high") if r[key] is not None]
    domain = {"domain": [min(0.9, *bounds) * 0.97, max(1.1, *bounds) * 1.03]}
    x = axis("ratio", "speed ratio, base / new", log=True, scale=domain)
    x |= {"axis": {"tickCount": 6, "format": ".3~g"}}
    series = by_series(names, lines=False)
    bar = {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": y}
    one: Spec = {"x": {"datum": 1, "type": "quantitative"}}
    return chart(
        records,
        {"mark": {"type": "rule", "strokeDash": [3, 3], "aria": False}, "encoding": one},
        {
            "mark": {"type": "rule", "strokeWidth": 2, "aria": False},
            "transform": [{"filter": "datum.low !== null"}],
            "encoding": bar | {"color": series["color"]},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
            "encoding": {"x": x, "y": y, **series, **named()},
        },
        height={"step": 20},
        width=380,
    )
