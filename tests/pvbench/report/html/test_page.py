"""The page of a claim as text: escaped, whole, and small."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import attrs
import pytest

from pvbench.document import Block, CommandLine, Document, Heading, Notes, Paragraph
from pvbench.report.html.page import Page, render
from support.charts import need_charts
from support.html import HOSTILE, claim_files, hostile_claim, page_of
from support.runs import Cli, call, file_of, row_of


def test_each_block_of_a_document_is_on_the_page() -> None:
    """Headings, paragraphs, sentences, and commands that can be copied."""
    blocks: list[Block] = [
        Heading("one"),
        Paragraph("two"),
        Notes(lines=("three",)),
        CommandLine(("four",)),
    ]
    html = render(Page(title="five", document=Document(blocks)))

    for text in ("<h2>one</h2>", ">two</p>", "<li>three</li>", "<code>four</code>"):
        assert text in html
    assert "<h1>five</h1>" in html


def test_text_is_escaped_wherever_it_stands() -> None:
    """No text of a file becomes an element."""
    blocks: list[Block] = [
        Heading(HOSTILE),
        Paragraph(HOSTILE),
        Notes(lines=(HOSTILE,), title=HOSTILE),
    ]
    html = render(Page(title=HOSTILE, document=Document(blocks), contents={HOSTILE: b"{}"}))

    assert ("<script" in html, "<img" in html, "{{7*7}}" in html) == (False, False, True)


def test_a_page_forbids_scripts_and_requests_itself() -> None:
    """A browser enforces what the page promises."""
    html = render(Page(title="x", document=Document([])))

    assert "content=\"default-src 'none'; style-src 'unsafe-inline'" in html
    assert "http" not in html.replace("http-equiv", "")


def test_without_the_library_of_charts_the_page_has_its_tables_and_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the extra `report`."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    html = page_of(claim_files(tmp_path))

    assert "This page has no charts, because vl-convert-python is not installed" in html
    assert ("<table>" in html, "<svg" in html) == (True, False)


def test_files_that_would_make_the_page_large_are_named_only() -> None:
    """The hash in the document says which file it is."""
    contents = {"a.json": b"\x1f\x8b" + bytes(2_000_000), "b.json": b"{}"}
    html = render(Page(title="x", document=Document([]), contents=contents))

    assert "a.json is too large for this page" in html


@pytest.mark.parametrize(
    ("name", "file"),
    [
        pytest.param("results/x/a.json", "a.json.gz", id="path"),
        pytest.param("published:norov-2018", "norov-2018.json.gz", id="published"),
        pytest.param("../..\\\"'<x>.json", "x-.json.gz", id="hostile"),
        pytest.param("...", "result.json.gz", id="no-name"),
    ],
)
def test_a_download_has_a_plain_name(name: str, file: str) -> None:
    """It is stored beside other files of its reader."""
    html = render(Page(title="x", document=Document([]), contents={name: b"{}"}))

    assert html.count("download=") == 1
    assert html.split('download="')[1].split('"')[0].strip("-") == file


def test_every_chart_has_its_numbers_in_a_table(tmp_path: Path) -> None:
    """A chart alone cannot be checked."""
    need_charts()
    html = page_of(claim_files(tmp_path))

    assert html.count("<svg") == html.count("Numbers of this chart") == 8
    assert "x2apic-cluster</td>" in html or "x2apic-cluster</th>" in html


def test_a_hostile_claim_has_no_live_markup(tmp_path: Path) -> None:
    """The names of senders are in charts too."""
    need_charts()
    html = page_of(hostile_claim(tmp_path))

    assert ("<script" in html, "<img" in html) == (False, False)


def test_the_command_writes_a_page_beside_its_text(cli: Cli) -> None:
    """Both are of the same claim."""
    rows = row_of("broadcast", "x2apic-physical", 2e-6), row_of("broadcast", "shorthand", 1e-6)
    file_of(Path("a.json"), *rows)
    output = cli("report", "a.json", "--html", "a.html")

    assert output.status == 0
    assert output.out.startswith("Modelled, not measured")
    assert output.err.splitlines()[-1] == "page: a.html"
    assert "Modelled, not measured" in Path("a.html").read_text()


@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [
        pytest.param("a.json", 2, "does not end in .html", id="another-kind"),
        pytest.param("no/a.html", 5, "no/a.html cannot be written", id="no-folder"),
    ],
)
def test_a_page_that_cannot_be_written_is_a_sentence(
    cli: Cli, name: str, status: int, sentence: str
) -> None:
    """A result file is never replaced by a page."""
    file_of(Path("a.json"), row_of("broadcast", "x2apic-physical", 2e-6))
    output = cli("report", "a.json", "--html", name)

    assert output.status == status
    assert sentence in output.err
    assert output.out == ""


def test_control_characters_are_escaped_in_charts_too(tmp_path: Path) -> None:
    """XML cannot hold them, and a file may."""
    need_charts()
    claim = claim_files(tmp_path)
    rows = [
        attrs.evolve(row, facts=row.facts | {"stack": f"{row.fact('stack')}\x1b[2J\0"})
        for row in claim.rows
    ]
    html = page_of(attrs.evolve(claim, rows=rows))

    assert ("\x1b" in html, "\0" in html) == (False, False)
    assert "x2apic-cluster\\x1b[2J" in html


def test_a_chart_that_cannot_be_drawn_leaves_its_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The times of a hostile file may be beyond any axis."""

    def refuse(spec: object) -> str:
        raise ValueError("no")

    library = ModuleType("vl_convert")
    vars(library)["vegalite_to_svg"] = refuse
    monkeypatch.setitem(sys.modules, "vl_convert", library)
    html = page_of(claim_files(tmp_path))

    assert ("This chart cannot be drawn" in html, "<svg" in html) == (True, False)


def test_times_of_any_size_are_a_page(tmp_path: Path) -> None:
    """A file may have any that is not absurd."""
    need_charts()
    rows = [
        row_of(f"x:{value}", stack, time_s, family="x", parameter="y", parameter_value=value)
        for stack, time_s in (("x2apic-physical", 1e289), ("shorthand", 2e-15))
        for value in (1, 2)
    ]
    path = file_of(tmp_path / "a.json", *rows)

    assert call("report", path, "--html", str(tmp_path / "a.html")).status == 0
