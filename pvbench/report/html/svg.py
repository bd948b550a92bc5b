"""
A chart as SVG inside a page, drawn by vl-convert.

Its text comes from files and plugins: only the elements and attributes that a chart needs
are kept, so that nothing in it runs or asks for anything.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.etree import ElementTree

from pvbench.report.html.figure import GRID, INK, Spec
from pvbench.text import printable

_SVG: Final = "http://www.w3.org/2000/svg"
_ELEMENTS: Final = {"svg", "g", "path", "line", "rect", "text", "tspan", "title", "desc"}
_ATTRIBUTES: Final = {
    *("d", "x", "y", "x1", "y1", "x2", "y2", "dx", "dy", "width", "height", "viewBox"),
    *("transform", "opacity", "fill", "stroke", "stroke-width", "stroke-dasharray"),
    *("stroke-opacity", "fill-opacity", "stroke-miterlimit"),
    *("stroke-linecap", "stroke-linejoin"),
    *("font-family", "font-size", "font-weight", "font-style", "text-anchor", "display"),
    *("role", "aria-label", "aria-roledescription", "aria-hidden", "class", "pointer-events"),
}
_COLOURS: Final = {INK: "currentColor", "#000": "currentColor", "black": "currentColor"}
_PAINT: Final = re.compile(r"none|transparent|currentColor|#[0-9a-f]{3,8}|[a-z]+", re.I)


def drawn(spec: Spec, title: str) -> str:
    """
    *spec* as an SVG element whose accessible name is *title*.

    Raises:
        ImportError: vl-convert is not installed.
        ValueError: it cannot draw the numbers of the chart.
    """
    import vl_convert

    text = vl_convert.vegalite_to_svg(_printable(spec))
    root = ElementTree.fromstring(text)  # noqa: S314 - its own
    root.set("role", "graphics-document")
    root.set("aria-label", title)
    _clean(root)
    _unhide(root)
    ElementTree.register_namespace("", _SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _printable(part: Any) -> Any:
    """A part of a chart whose texts XML can hold."""
    match part:
        case str():
            return printable(part)
        case dict():
            return {key: _printable(value) for key, value in part.items()}
        case list() | tuple():
            return [_printable(value) for value in part]
        case _:
            return part


def _clean(element: ElementTree.Element) -> None:
    """Remove what a chart does not need, from *element* and all below it."""
    for name, value in [*element.attrib.items()]:
        if name not in _ATTRIBUTES:
            del element.attrib[name]
        elif name in ("fill", "stroke"):
            _paint(element, name, value)
    for child in [*element]:
        if _local(child) in _ELEMENTS:
            _clean(child)
        else:
            element.remove(child)


def _paint(element: ElementTree.Element, name: str, value: str) -> None:
    """The colour of the page's text for black, and a faint one for the grid."""
    if not _PAINT.fullmatch(value):
        del element.attrib[name]
    elif value == GRID:
        element.set(name, "currentColor")
        element.set(f"{name}-opacity", "0.15")
    else:
        element.set(name, _COLOURS.get(value.lower(), value))


def _unhide(root: ElementTree.Element) -> None:
    """Let a page scale the chart down to its own width."""
    root.attrib.pop("class", None)


def _local(element: ElementTree.Element) -> str:
    """The name of an element without its namespace; '' for a comment."""
    tag = element.tag
    return tag.removeprefix(f"{{{_SVG}}}") if isinstance(tag, str) else ""
