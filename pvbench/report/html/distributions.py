"""Charts of the distributions of single bursts, from the histograms in the files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pvbench.compare.pairs import Pair
from pvbench.report.claim.answer import origin
from pvbench.report.claim.labels import labels
from pvbench.report.html.figure import TIME_LABEL, Figure, Record, Spec, axis, by_series, chart
from pvbench.results.bursts import Bursts
from pvbench.results.rows import Row

_MOST_FIGURES: Final = 4
_NOTE: Final = (
    "The share of the bursts of all boots that took at most so long; the time axis is "
    "logarithmic."
)


def figures(
    pairs: Sequence[Pair], bursts: Mapping[tuple[str, str], Bursts]
) -> Iterator[Figure]:
    """
    A chart for each of the pairs that changed most.

    Args:
        pairs: those of the comparison.
        bursts: the bursts of a series, by the names of its file and of the series.
    """
    label = labels(pairs)
    spread = [pair for pair in chosen(pairs) if all(_of(row, bursts) for row in pair.rows)]
    for pair in spread:
        sides = dict(zip((pair.baseline, pair.side), pair.rows, strict=True))
        records = [r for name, row in sides.items() for r in _records(name, row, bursts)]
        yield Figure(
            title=f"Distribution of bursts: {label(pair)}, {pair.side}",
            note=f"{origin(pair.rows)}. {_NOTE}",
            spec=_spec(list(sides), records),
            records=records,
        )


def chosen(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs whose distributions are drawn: those that changed most."""
    timed = [pair for pair in pairs if pair.has_times and not pair.before.is_exact]
    return sorted(timed, key=lambda pair: pair.order[1])[:_MOST_FIGURES]


def _of(row: Row, bursts: Mapping[tuple[str, str], Bursts]) -> Bursts | None:
    return bursts.get((row.file, row.name))


def _records(name: str, row: Row, bursts: Mapping[tuple[str, str], Bursts]) -> Iterator[Record]:
    if of_row := _of(row, bursts):
        first_s, _ = next(of_row.shares())
        yield {"series": name, "time_s": first_s, "share": 0.0}
        for time_s, share in of_row.shares():
            yield {"series": name, "time_s": time_s, "share": share}


def _spec(names: list[str], records: list[Record]) -> Spec:
    times_s = [record["time_s"] for record in records]
    domain = {"domain": [min(times_s) * 0.97, max(times_s) * 1.03]}
    x = axis(
        "time_s", "time of one burst", log=True, scale=domain, axis={"labelExpr": TIME_LABEL}
    )
    x["axis"] |= {"tickCount": 5, "labelOverlap": True}
    y = axis("share", "share of bursts", scale={"domain": [0, 1]}, axis={"format": ".0%"})
    series = by_series(names)
    line = {key: series[key] for key in ("color", "strokeDash")}
    mark = {"type": "line", "interpolate": "step-after"}
    return chart(records, {"mark": mark, "encoding": {"x": x, "y": y, **line}}, height=220)
