"""One way of printing a table: plain, Markdown or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from tabulate import tabulate

FORMATS: Final = ("plain", "markdown", "csv")
_TABULATE: Final = {"plain": "simple", "markdown": "github"}


def render(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    style: str = "plain",
    *,
    left: int = 99,
) -> str:
    """
    A table as text, in a *style* of FORMATS.

    The first *left* columns are text; the others are numbers, aligned right.
    """
    if style == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([headers, *rows])
        return text.getvalue().rstrip("\n")
    align = ["left" if column < left else "right" for column in range(len(headers))]
    return tabulate(
        rows,
        headers=headers,
        tablefmt=_TABULATE[style],
        colalign=align if rows else None,
        disable_numparse=True,
    )


def seconds(value: float) -> str:
    """Three significant digits and a unit: ``2.51 us``."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)):
        if value >= scale * 0.9995:
            whole = len(str(int(float(f"{value / scale:.3g}"))))
            return f"{value / scale:.{max(3 - whole, 0)}f} {unit}"
    return f"{value * 1e12:.0f} ps"
