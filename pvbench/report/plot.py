"""
Plots for a terminal: the time against the parameter of a workload family.

plotext draws them.  They are of ASCII characters, so that they can be mailed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pvbench.report import layout
from pvbench.report.claim.answer import origin
from pvbench.report.families import families, name, values
from pvbench.report.quantities import seconds
from pvbench.results.rows import Row, ordered
from pvbench.text import printable, shortened

_MARKERS: Final = "ox+*#@%&"
_HEIGHT: Final = 18  # lines
_MOST: Final = 4  # plots
_COVERED: Final = "Of senders at one place the last one is drawn."
_WIDEST: Final = 100
_ASCII: Final = str.maketrans("─│├┤┌┐└┘┬┴┼", "-|||+++++++")
_STEPS: Final = (1, 2, 5)  # of a decade
_SLACK: Final = 1.001  # of a tick at the end of an axis


def plots(rows: Sequence[Row], width: int) -> Iterator[str]:
    """A plot of each of the first families, in lines of at most *width* characters."""
    groups = families(rows)
    for members in groups[:_MOST]:
        yield _plot(members, min(width, _WIDEST))
    if len(groups) > _MOST:
        yield f"{len(groups) - _MOST} more families are not drawn; -k chooses others."


def _plot(rows: list[Row], width: int) -> str:
    stacks = ordered(rows, "stack")[: len(_MARKERS)]
    keys = [f"  {marker} {stack}" for marker, stack in zip(_MARKERS, stacks, strict=False)]
    first = rows[0]
    title = (
        f"{name(rows)} on {first.fact('guest')}: {first.fact('series')} time of one burst by "
        f"{first.fact('parameter')}, both logarithmic. {origin(rows)}. {_COVERED}"
    )
    return "\n".join(
        [
            layout.wrapped(printable(title), width),
            *_drawn(rows, stacks, width),
            *(shortened(printable(key), width) for key in keys),
        ]
    )


def _drawn(rows: list[Row], stacks: list[Any], width: int) -> list[str]:
    """The lines of the plot itself."""
    from plotext import figure

    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, _HEIGHT)
    for marker, stack in zip(_MARKERS, stacks, strict=False):
        points = [row for row in rows if row.fact("stack") == stack]
        x = [math.log(row.fact("parameter_value")) for row in points]
        y = [math.log(row.value_s) for row in points]
        figure.draw(figure.signal(x, y, marker=marker))
    parameters, times_s = values(rows), _ticks([row.value_s for row in rows])
    figure.ruler("x").ticks(list(map(math.log, parameters)), list(map(str, parameters)))
    figure.ruler("y").ticks(list(map(math.log, times_s)), list(map(seconds, times_s)))
    text: str = figure.build().string(True)
    return [line.rstrip() for line in text.translate(_ASCII).splitlines()]


def _ticks(times_s: Sequence[float]) -> list[float]:
    """Round times in the range of *times_s*, or its ends if there are none."""
    low, high = min(times_s), max(times_s)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in _STEPS]
    inside = (tick for tick in ticks if low / _SLACK <= tick <= high * _SLACK)
    return list(inside) or [low, high]
