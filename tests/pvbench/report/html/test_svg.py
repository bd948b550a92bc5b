"""Charts inside a page: only what a chart needs, in the colours of the page."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from pvbench.report.html.figure import GRID, INK
from pvbench.report.html.svg import drawn

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{}</svg>'


def clean(monkeypatch: pytest.MonkeyPatch, inner: str) -> str:
    """What is left of this content of a chart."""
    library = ModuleType("vl_convert")
    vars(library)["vegalite_to_svg"] = lambda spec: SVG.format(inner)
    monkeypatch.setitem(sys.modules, "vl_convert", library)
    return drawn({}, "title").split(">", 1)[1].removesuffix("</svg>")


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param("<script>alert(1)</script>", id="script"),
        pytest.param("<foreignObject/>", id="foreign-object"),
        pytest.param('<image href="http://x/"/>', id="image"),
        pytest.param("<style>@import 'x'</style>", id="style"),
        pytest.param('<a href="javascript:alert(1)"><text>x</text></a>', id="link"),
    ],
)
def test_elements_that_no_chart_needs_are_removed(
    monkeypatch: pytest.MonkeyPatch, inner: str
) -> None:
    """They could run or ask for something."""
    assert clean(monkeypatch, inner) == ""


@pytest.mark.parametrize(
    "attribute",
    ['onload="x"', 'style="background:url(x)"', 'href="x"', 'fill="url(http://x/)"'],
)
def test_attributes_that_no_chart_needs_are_removed(
    monkeypatch: pytest.MonkeyPatch, attribute: str
) -> None:
    """The element stays."""
    assert clean(monkeypatch, f"<path {attribute} d='M0,0'/>") == '<path d="M0,0" />'


@pytest.mark.parametrize(
    ("colour", "attributes"),
    [
        pytest.param(INK, 'fill="currentColor"', id="ink"),
        pytest.param(GRID, 'fill="currentColor" fill-opacity="0.15"', id="grid"),
        pytest.param("#0072b2", 'fill="#0072b2"', id="series"),
    ],
)
def test_ink_and_grid_take_the_colour_of_the_page(
    monkeypatch: pytest.MonkeyPatch, colour: str, attributes: str
) -> None:
    """So that a chart is readable on a dark page."""
    assert clean(monkeypatch, f'<path fill="{colour}"/>') == f"<path {attributes} />"


def test_a_chart_has_an_accessible_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of its heading."""
    clean(monkeypatch, "")

    assert 'role="graphics-document" aria-label="a &quot;b&quot;"' in drawn({}, 'a "b"')
