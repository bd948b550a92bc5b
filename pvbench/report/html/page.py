"""
A claim as one HTML page: no script, and no request to anywhere.

The page is the document of the claim with charts, each with its table, and the result
files as downloads.  All text in it is untrusted, and escaped by jinja2.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, Final

import attrs

from pvbench.document import (
    Block,
    CommandLine,
    Document,
    Heading,
    Notes,
    Paragraph,
    Role,
    Table,
)
from pvbench.report import layout
from pvbench.report.html.figure import Figure
from pvbench.text import PIPE_WIDTH, printable

_LARGEST_DOWNLOAD: Final = 1_500_000  # bytes of all files in the page, compressed
_LEVEL: Final = 4  # of compression: a higher one takes longer than all the rest
_NO_CHARTS: Final = (
    "This page has no charts, because vl-convert-python is not installed: "
    "`pip install 'pvbench[report]'` brings it."
)
_DRAWN_TABLE: Final = 400  # rows of a chart's table; the downloads have the others


@attrs.frozen(kw_only=True)
class Page:
    """
    What a page has beside the document.

    Args:
        figures: the charts.
        contents: the content of each result file, by its name.
    """

    title: str = attrs.field(converter=printable)
    document: Document
    figures: Sequence[Figure] = ()
    contents: dict[str, bytes] = attrs.field(factory=dict)


def render(page: Page) -> str:
    """The HTML of *page*."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    folder = files("pvbench.report.html")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((folder / "page.html.j2").read_text("utf-8"))
    charts, sentence = _drawn(page.figures)
    return template.render(
        title=page.title,
        style=Markup((folder / "style.css").read_text("utf-8")),  # noqa: S704 - our own file
        blocks=[block for block in map(_block, page.document.blocks) if block],
        figures=[
            {
                "title": figure.title,
                "note": figure.note,
                "svg": Markup(chart),  # noqa: S704 - cleaned by svg.drawn
                "table": _chart_table(figure),
            }
            for figure, chart in zip(page.figures, charts, strict=False)
        ],
        sentence=sentence,
        downloads=list(_downloads(page.contents)),
    )


def _drawn(figures: Sequence[Figure]) -> tuple[list[str], str]:
    """The charts as SVG; without the library that draws them a sentence."""
    from pvbench.report.html import svg

    charts = []
    for figure in figures:
        try:
            charts.append(svg.drawn(figure.spec, figure.title))
        except ImportError:
            return [], _NO_CHARTS
        except ValueError:  # times that no axis can show
            charts.append("")
    return charts, ""


def _block(block: Block) -> dict[str, Any]:
    """What the template prints of a block; {} for nothing."""
    match block:
        case Heading(text):
            return {"kind": "heading", "text": text}
        case Paragraph(text):
            return {"kind": "paragraph", "text": text}
        case Notes(lines=(_, *_)):
            return {"kind": "notes", "title": block.title, "lines": block.lines}
        case CommandLine(words):
            return {"kind": "command", "text": layout.continued(words, PIPE_WIDTH)}
        case Table(shown=True, in_text=True, rows=(_, *_)):
            return {"kind": "table", **_table(block.visible)}
        case _:
            return {}


def _table(table: Table) -> dict[str, Any]:
    """Titles and texts; the first column names the row."""
    right = [column.role is Role.VALUE for column in table.columns]
    return {
        "title": table.title.rstrip(":"),
        "heads": list(zip([column.title for column in table.columns], right, strict=True)),
        "rows": [
            list(zip([cell.text for cell in row], right, strict=True)) for row in table.rows
        ],
    }


def _chart_table(figure: Figure) -> dict[str, Any]:
    """The numbers behind a chart."""
    keys = [key for key in figure.records[0] if key != "text"] if figure.records else []
    records = figure.records[:_DRAWN_TABLE]
    return {
        "title": f"Numbers of the chart: {figure.title}",
        "heads": [(key.replace("_s", " (s)").replace("_", " "), False) for key in keys],
        "rows": [[_number(record[key]) for key in keys] for record in records],
    }


def _number(value: Any) -> tuple[str, bool]:
    """The text of a value, and whether it is a number."""
    if isinstance(value, float):
        return f"{value:.6g}", True
    return ("" if value is None else printable(str(value))), isinstance(value, int)


def _downloads(contents: dict[str, bytes]) -> Iterator[dict[str, str]]:
    """The files as links that hold them, as long as the page stays small."""
    room = _LARGEST_DOWNLOAD
    for name, content in contents.items():
        is_packed = content.startswith(b"\x1f\x8b")
        packed = content if is_packed else gzip.compress(content, _LEVEL, mtime=0)
        room -= len(packed)
        data = base64.b64encode(packed).decode() if room >= 0 else ""
        yield {"name": name, "file": _file_name(name), "data": data}


def _file_name(name: str) -> str:
    """A plain name for the downloaded file."""
    last = name.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    safe = "".join(c if c.isalnum() or c in "._-" else "-" for c in last).lstrip(".")
    stem = safe.removesuffix(".gz").removesuffix(".json")
    return f"{stem or 'result'}.json.gz"
