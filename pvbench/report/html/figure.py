"""A chart of a page, and what all charts share: colours, dashes, shapes and fonts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from pvbench.text import printable

Spec = dict[str, Any]  # of Vega-Lite
Record = dict[str, Any]

# Okabe and Ito (2008), without yellow, which is too light; the first is that of the text.
INK: Final = "#000000"
_COLOURS: Final = (
    *(INK, "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f"),
)
_DASHES: Final = (
    *([1, 0], [6, 2], [2, 2], [8, 2, 2, 2], [4, 4], [1, 3], [10, 4]),
    [6, 2, 2, 2, 2, 2],
)
_SHAPES: Final = (
    *("circle", "square", "triangle-up", "diamond", "cross", "triangle-down"),
    *("triangle-right", "triangle-left"),
)
MOST_SERIES: Final = len(_COLOURS)
WIDTH: Final = 520
GRID: Final = "#dddddd"
_FONT: Final = "DejaVu Sans, Verdana, sans-serif"
_CONFIG: Final[Spec] = {
    "font": _FONT,
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "domainColor": INK,
        "tickColor": INK,
        "gridColor": GRID,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "labelLimit": 0,
    },
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 11,
        "labelLimit": 0,
        "orient": "bottom",
        "direction": "vertical",
        "title": None,
        "symbolSize": 80,
    },
    "rule": {"color": INK},
    "text": {"color": INK, "fontSize": 11},
}


@attrs.frozen(kw_only=True)
class Figure:
    """
    A chart and the numbers in it.

    Args:
        title: what it shows, as a heading.
        note: how to read it, in sentences.
        spec: the chart for Vega-Lite.
        records: the numbers, with one set of keys.
    """

    title: str = attrs.field(converter=printable)
    note: str = attrs.field(converter=printable)
    spec: Spec
    records: Sequence[Record]


def chart(values: Sequence[Mapping[str, Any]], *layers: Spec, **options: Any) -> Spec:
    """A chart of *values*; *options* are further keys of Vega-Lite."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": list(values)},
        "width": WIDTH,
        "config": _CONFIG,
        "layer": list(layers),
        **options,
    }


def by_series(names: Sequence[str], *, lines: bool = True) -> Spec:
    """The encodings that tell series apart without colour too."""
    number = len(names)
    scale: Spec = {"field": "series", "type": "nominal"}
    encodings: Spec = {
        "color": scale | {"scale": {"domain": list(names), "range": _COLOURS[:number]}},
        "shape": scale | {"scale": {"domain": list(names), "range": _SHAPES[:number]}},
    }
    if lines:
        dashes = {"domain": list(names), "range": _DASHES[:number]}
        encodings["strokeDash"] = scale | {"scale": dashes}
    return encodings


def axis(field: str, title: str, **options: Any) -> Spec:
    """A quantitative encoding; ``log=True`` has a logarithmic scale."""
    scale: Spec = {"zero": False}
    if options.pop("log", False):
        scale = {"type": "log", "nice": False}
    scale |= options.pop("scale", {})
    spec: Spec = {"field": field, "type": "quantitative", "title": title, "scale": scale}
    return spec | options


def named(text: str = "text") -> Spec:
    """The encoding that gives a mark its accessible name."""
    return {"description": {"field": text, "type": "nominal"}}


# A time in seconds as people read it, for an axis.
TIME_LABEL: Final = (
    "datum.value >= 1 ? datum.value + ' s' : datum.value >= 0.999e-3 ? "
    "round(datum.value * 1e6) / 1e3 + ' ms' : datum.value >= 0.999e-6 ? "
    "round(datum.value * 1e9) / 1e3 + ' us' : round(datum.value * 1e12) / 1e3 + ' ns'"
)
