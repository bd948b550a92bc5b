"""The page of a history: a chart for each workload, with a line for each stack."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pvbench.compare.steps import Track
from pvbench.document import Document
from pvbench.report.claim.answer import origin
from pvbench.report.history import History
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
from pvbench.report.html.page import Page
from pvbench.report.quantities import time_of

_MOST_FIGURES: Final = 12
_MOST_TICKS: Final = 15
_NOTE: Final = "Runs stand in their order, from the oldest; the time axis is logarithmic."
_DASHED: Final = [3, 3]


def page(history: History, text: Document) -> Page:
    """The page of *history*, whose document is *text*."""
    return Page(
        title=f"pvbench: history of {len(history.runs)} runs",
        document=text,
        figures=list(_figures(history)),
    )


def _figures(history: History) -> Iterator[Figure]:
    """A chart for each workload and guest; those with steps come first."""
    groups: dict[tuple[Any, ...], list[Track]] = {}
    for track in history.tracks:
        row = track.rows[-1]
        if row.has_times:
            key = (row.fact("workload"), *map(row.fact, history.varying))
            groups.setdefault(key, []).append(track)
    ordered = sorted(groups.items(), key=lambda item: not any(t.steps for t in item[1]))
    for key, tracks in ordered[:_MOST_FIGURES]:
        yield _figure(history, " ".join(map(str, filter(None, key))), tracks[:MOST_SERIES])


def _figure(history: History, name: str, tracks: Sequence[Track]) -> Figure:
    numbers = history.numbers
    names = [str(track.rows[-1].fact("stack")) for track in tracks]
    records = [
        _record(history, stack, row.file, row.value_s, time_of(row))
        for stack, track in zip(names, tracks, strict=True)
        for row in track.rows
    ]
    marks = [
        {"run": numbers[step.after.file], "text": f"{stack} {step.verdict}"}
        for stack, track in zip(names, tracks, strict=True)
        for step in track.steps
    ]
    ends = "".join(f" At run {mark['run']} {mark['text']}." for mark in marks)
    return Figure(
        title=f"Time of {name} in each run",
        note=f"{origin([track.rows[-1] for track in tracks])}. {_NOTE}{ends}",
        spec=_spec(names, records, marks),
        records=records,
    )


def _record(history: History, stack: str, file: str, value_s: float, time: str) -> Record:
    number = history.numbers[file]
    run = history.runs[number - 1]
    return {
        "series": stack,
        "run": number,
        "date": run.date,
        "revision": run.fact("git"),
        "time_s": value_s,
        "text": f"{stack}, run {number}: {time}",
    }


def _spec(names: list[str], records: list[Record], marks: list[Record]) -> Spec:
    last = max(record["run"] for record in records)
    ticks = list(range(1, last + 1, math.ceil(last / _MOST_TICKS)))
    x = axis("run", "run", scale={"nice": False}, axis={"values": ticks, "format": "d"})
    y = axis("time_s", "time", log=True, axis={"labelExpr": TIME_LABEL, "tickCount": 6})
    series = by_series(names)
    line = {key: series[key] for key in ("color", "strokeDash")}
    shape = {key: series[key] for key in ("color", "shape")}
    point = {"type": "point", "size": 40, "strokeWidth": 2, "opacity": 1}
    layers: list[Spec] = [
        {"mark": {"type": "line", "aria": False}, "encoding": {"x": x, "y": y, **line}},
        {"mark": point, "encoding": {"x": x, "y": y, **shape, **named()}},
    ]
    if marks:
        rule = {"type": "rule", "strokeDash": _DASHED, "color": INK}
        layers.append(
            {"data": {"values": marks}, "mark": rule, "encoding": {"x": x, **named()}}
        )
    return chart(records, *layers, height=280)
