"""The page of a claim in a browser: readable, accessible and harmless."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from pvbench.results.provenance import Provenance
from support.browser import need_browser, opened
from support.claims import SHA256, claim_of
from support.html import HOSTILE, claim_files, hostile_claim, page_of

# Elements whose text is cut off, or that reach out of the page.
CLIPPED = """
() => [...document.querySelectorAll('main *')].filter(e => {
  const box = e.getBoundingClientRect();
  if (!box.width || e.closest('.wide, pre, details:not([open])')) return false;
  return box.right > document.documentElement.clientWidth + 1
      || (getComputedStyle(e).overflowX == 'hidden' && e.scrollWidth > e.clientWidth + 1);
}).map(e => e.tagName + ' ' + e.textContent.slice(0, 40))
"""
# Texts of a chart that overlap each other or leave it.
OVERLAPPING = """
() => [...document.querySelectorAll('.chart svg')].flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].filter(
    t => t.textContent && getComputedStyle(t).opacity > 0 && t.getAttribute('opacity') != 0);
  const boxes = texts.map(t => [t.textContent, t.getBoundingClientRect()]);
  const out = boxes.filter(([_, b]) => b.left < frame.left - 1 || b.right > frame.right + 1
      || b.top < frame.top - 1 || b.bottom > frame.bottom + 1).map(([t]) => 'outside: ' + t);
  for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
    const [s, a] = boxes[i], [t, b] = boxes[j];
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 3) out.push('overlap: ' + s + ' | ' + t);
  }
  return out;
})
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with each kind of chart."""
    need_browser()
    folder = tmp_path_factory.mktemp("page")
    path = folder / "page.html"
    path.write_text(page_of(claim_files(folder)))
    return path


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"viewport": {"width": 1000, "height": 800}}, id="wide"),
        pytest.param({"viewport": {"width": 400, "height": 800}}, id="narrow"),
    ],
)
def test_no_text_is_clipped_or_overlaps_another(written: Path, options: Any) -> None:
    """Measured in the browser: a font may be wider than the chart expects."""
    with opened(written, **options) as tab:
        assert tab.locator(".chart svg").count() >= 4
        assert tab.evaluate(CLIPPED) == []
        assert tab.evaluate(OVERLAPPING) == []


def test_a_printed_page_leaves_nothing_out(written: Path) -> None:
    """Paper does not scroll."""
    with opened(written, viewport={"width": 800, "height": 800}) as tab:
        tab.emulate_media(media="print")
        assert (
            tab.evaluate(
                "() => [...document.querySelectorAll('.wide')]"
                ".filter(e => getComputedStyle(e).overflowX != 'visible').length"
            )
            == 0
        )
        assert tab.evaluate("() => getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )


def test_a_dark_page_has_light_text_in_its_charts_too(written: Path) -> None:
    """Charts take the colour of the text of the page."""
    with opened(written, color_scheme="dark") as tab:
        colours = tab.evaluate(
            "() => [getComputedStyle(document.body).backgroundColor,"
            " getComputedStyle(document.querySelector('.chart text')).fill]"
        )

    assert colours == ["rgb(22, 24, 27)", "rgb(232, 232, 232)"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_has_no_barrier_that_axe_finds(written: Path, scheme: str) -> None:
    """Its rules include contrast, names of charts, and keyboards."""
    from axe_playwright_python.sync_playwright import Axe

    with opened(written, color_scheme=scheme, bypass_csp=True) as tab:
        tab.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
        results = Axe().run(tab)

    assert [violation["id"] for violation in results.response["violations"]] == []


def test_every_mark_of_a_chart_has_a_name(written: Path) -> None:
    """A screen reader says the series and the value."""
    with opened(written) as tab:
        names = tab.evaluate(
            "() => [...document.querySelectorAll('.chart path[role=graphics-symbol]')]"
            ".map(e => e.getAttribute('aria-label') || '')"
        )

    assert len(names) >= 10
    assert [name for name in names if not name] == []


def test_a_page_asks_for_nothing_and_runs_nothing(written: Path) -> None:
    """It can be read offline, and mailed."""
    with opened(written) as tab:
        assert tab.locator("script").count() == 0
        assert tab.alarms == []


def test_hostile_names_run_nothing(tmp_path: Path) -> None:
    """A label, the name of a plugin and a reason in a journal are untrusted text."""
    need_browser()
    path = tmp_path / "hostile.html"
    path.write_text(page_of(hostile_claim(tmp_path)))
    with opened(path) as tab:
        text = tab.evaluate("() => document.body.textContent")
        dangerous = tab.evaluate(
            "() => [...document.querySelectorAll('script, img, iframe, object, embed, use,"
            " foreignObject')].length + [...document.querySelectorAll('*')].filter(e =>"
            " [...e.attributes].some(a => a.name.startsWith('on'))).length"
        )

        assert (tab.alarms, dangerous) == ([], 0)
    assert HOSTILE in text


def test_result_files_are_downloads_inside_the_page(written: Path) -> None:
    """The raw data is never lost."""
    import gzip
    import json

    with opened(written, accept_downloads=True) as tab:
        with tab.expect_download() as download:
            tab.locator("a[download]").first.click()
        content = Path(download.value.path()).read_bytes()

    assert json.loads(gzip.decompress(content))["benchmarks"]


def test_a_claim_without_pairs_is_a_page(tmp_path: Path) -> None:
    """Then it says that there is nothing to compare."""
    claim = claim_files(tmp_path)
    one = attrs.evolve(claim, comparison=attrs.evolve(claim.comparison, pairs=()), rows=[])

    assert "no two cases can be compared" in page_of(one)
    assert claim_of([], sources=[Provenance(name="1.json", sha256=SHA256)]).rows == []
