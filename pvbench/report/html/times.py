"""Charts of times against the parameter of a workload family, with crossovers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pvbench.compare.crossover import Crossover
from pvbench.report.claim.answer import origin
from pvbench.report.families import families, name
from pvbench.report.html.figure import (
    INK,
    MOST_SERIES,
    TIME_LABEL,
    Figure,
    Record,
    Spec,
    axis,
    by_series,
    chart,
    named,
)
from pvbench.report.quantities import seconds
from pvbench.results.rows import Row
from pvbench.text import listed

_NOTE: Final = "Both axes are logarithmic. Whiskers reach from the lowest boot to the highest."
_DASHED: Final = [3, 3]
MOST_FIGURES: Final = 6


def figures(rows: Sequence[Row], crossovers: Sequence[Crossover]) -> Iterator[Figure]:
    """A chart for each family of workloads in a guest, with one line for each stack."""
    for members in families(rows)[:MOST_FIGURES]:
        yield _figure(members, crossovers)


def _figure(rows: list[Row], crossovers: Sequence[Crossover]) -> Figure:
    first = rows[0]
    several = len({row.file for row in rows}) > 1
    series = {row.name: _series(row, several=several) for row in rows}
    names = list(dict.fromkeys(series.values()))[:MOST_SERIES]
    family = name(rows)
    records = [_record(row, series[row.name]) for row in rows if series[row.name] in names]
    records.sort(key=lambda record: (names.index(record["series"]), record["value"]))
    marks = list(_marks(first, family, crossovers))
    ends = f" Dashed lines: {listed([mark['text'] for mark in marks])}." if marks else ""
    return Figure(
        title=f"Time against {first.fact('parameter')}: {family} on {first.fact('guest')}",
        note=f"{origin(rows)}; series {first.fact('series')}. {_NOTE}{ends}",
        spec=_spec(str(first.fact("parameter")), names, records, marks),
        records=records,
    )


def _series(row: Row, *, several: bool) -> str:
    """The name of a line: the stack, with the file if there are several."""
    stack = str(row.fact("stack"))
    return f"{stack}, {row.file}" if several else stack


def _record(row: Row, series: str) -> Record:
    value = int(row.fact("parameter_value"))
    return {
        "series": series,
        "value": value,
        "time_s": row.value_s,
        "low_s": min(row.boots_s),
        "high_s": max(row.boots_s),
        "boots": len(row.boots_s),
        "text": f"{series}, {value} {row.fact('parameter')}: {seconds(row.value_s)}",
    }


def _marks(row: Row, family: str, crossovers: Sequence[Crossover]) -> Iterator[Record]:
    """The values at which a side becomes faster, each once with all sides."""
    sides: dict[int, list[str]] = {}
    for one in crossovers:
        if (one.family, one.guest) == (family, row.fact("guest")):
            for verdict, value, _ in one.stretches[1:]:
                if verdict == "faster":
                    sides.setdefault(value, []).append(one.side)
    for value, names in sorted(sides.items()):
        text = f"from {value} on {listed(list(dict.fromkeys(names)))} faster"
        yield {"value": value, "text": text}


def _spec(parameter: str, names: list[str], records: list[Record], marks: list[Record]) -> Spec:
    ticks = sorted({record["value"] for record in records})
    x = axis("value", parameter, log=True, axis={"values": ticks, "labelOverlap": True})
    y = axis("time_s", "time", log=True, axis={"labelExpr": TIME_LABEL, "tickCount": 6})
    series = by_series(names)
    line = {key: series[key] for key in ("color", "strokeDash")}
    shape = {key: series[key] for key in ("color", "shape")}
    whisker = {"x": x, "y": y | {"field": "low_s"}, "y2": {"field": "high_s"}}
    layers: list[Spec] = [
        {"mark": {"type": "line", "aria": False}, "encoding": {"x": x, "y": y, **line}},
        {
            "mark": {"type": "rule", "aria": False},
            "encoding": whisker | {"color": series["color"]},
        },
        {
            "mark": {"type": "point", "size": 70, "strokeWidth": 2, "opacity": 1},
            "encoding": {"x": x, "y": y, **shape, **named()},
        },
    ]
    if marks:
        rule = {"type": "rule", "strokeDash": _DASHED, "color": INK}
        layers.append(
            {"data": {"values": marks}, "mark": rule, "encoding": {"x": x, **named()}}
        )
    return chart(records, *layers, height=280)
