"""Text, Markdown, CSV and JSON of one document."""

from __future__ import annotations

import csv as csv_module
import io
import json as json_module
import re
from html import unescape
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pvbench.document import (
    Cell,
    Column,
    Document,
    Field,
    Heading,
    Notes,
    Paragraph,
    Role,
    Table,
    facts,
    table_of,
    table_of_records,
)
from pvbench.report import csv, json, markdown, text
from pvbench.text import printable

STACK = Field[tuple[str, float]](Column("stack", "stack"), lambda row: Cell(row[0]))
TIME = Field[tuple[str, float]](
    Column("time_s", "time", Role.VALUE, csv="time_s"),
    lambda row: Cell(row[1], f"{1e6 * row[1]:.0f} us"),
)
MODULE = Field[tuple[str, float]](
    Column("module", "module", Role.DATA), lambda row: Cell("for programs")
)
TIMES = table_of([STACK, TIME, MODULE], [("native", 198e-6), ("kvm-pv", 77e-6)], name="times")
DOCUMENT = Document(
    [
        Heading("norov on dense:80"),
        Paragraph("Times are of the model."),
        TIMES,
        Notes(lines=("one", "two"), title="To know:", name="advice", bulleted=True),
    ]
)


def read_csv(printed: str) -> list[dict[str, str]]:
    """A CSV table by its headings."""
    return list(csv_module.DictReader(io.StringIO(printed)))


def test_text_has_the_rounded_numbers_with_their_units() -> None:
    """The blocks are in the order of the document, with an empty line between them."""
    assert text.render(DOCUMENT).splitlines() == [
        "norov on dense:80",
        "",
        "Times are of the model.",
        "",
        "stack     time",
        "------  ------",
        "native  198 us",
        "kvm-pv   77 us",
        "",
        "To know:",
        "",
        "- one",
        "- two",
    ]


def test_markdown_can_be_pasted_into_a_commit() -> None:
    """It is in GitHub's form, with alignment."""
    assert markdown.render(DOCUMENT).splitlines() == [
        "### norov on dense:80",
        "",
        "Times are of the model.",
        "",
        "| stack   |   time |",
        "|---------|--------|",
        "| native  | 198 us |",
        "| kvm-pv  |  77 us |",
        "",
        "To know:",
        "",
        "- one",
        "- two",
    ]


def test_a_csv_has_plain_numbers_and_the_table_only() -> None:
    """Times are in seconds, for programs."""
    assert csv.render(DOCUMENT).splitlines() == [
        "stack,time_s",
        "native,0.000198",
        "kvm-pv,7.7e-05",
    ]


def test_json_has_typed_values_and_all_sentences() -> None:
    """JSON also has the column that is for programs only."""
    assert json_module.loads(json.render(DOCUMENT)) == {
        "headings": ["norov on dense:80"],
        "paragraphs": ["Times are of the model."],
        "times": [
            {"stack": "native", "time_s": 198e-6, "module": "for programs"},
            {"stack": "kvm-pv", "time_s": 77e-6, "module": "for programs"},
        ],
        "advice": ["one", "two"],
    }


def test_a_table_without_a_name_is_the_whole_of_json() -> None:
    """The JSON text is a list of objects."""
    table = table_of_records([{"name": "a", "summary": "first"}], roles={"summary": Role.PROSE})

    assert json.value(Document([table])) == [{"name": "a", "summary": "first"}]
    assert text.render(Document([table])).splitlines()[2] == "a     first"


def test_a_table_without_records_has_the_given_columns() -> None:
    """An empty result is still a table."""
    assert csv.render(Document([table_of_records([], roles={})])) == "name"


def test_facts_are_an_object_of_json_and_a_table_for_people() -> None:
    """A table of facts with a name is an object inside the document."""
    values = {"icr_writes": 2, "lost": 0}
    titles = {"icr_writes": "ICR writes"}
    counts = facts(values, name="counts", titles=titles, heads=("count", "number"))
    hidden = facts({"sender": "native"}, shown=False)
    document = Document([hidden, counts])

    assert json.value(document) == {"sender": "native", "counts": values}
    assert text.render(document).splitlines() == [
        "count       number",
        "----------  ------",
        "ICR writes  2",
        "lost        0",
    ]
    assert "sender" not in markdown.render(document) + csv.render(document)


def test_a_csv_of_several_tables_has_columns_of_their_context() -> None:
    """It has a column for each value that differs between the tables, and no others."""
    guest, suite = Column("guest", "guest"), Column("suite", "suite")
    tables = [
        attrs.evolve(
            TIMES.only([0, column]), context=((suite, Cell("norov")), (guest, Cell(name)))
        )
        for name, column in (("dense:8", 1), ("dense:80", 1))
    ]
    other = table_of_records([{"x": "y"}], roles={}, name="counts")
    document = Document([*tables, other])

    assert csv.render(document).splitlines() == [
        "guest,stack,time_s",
        "dense:8,native,0.000198",
        "dense:8,kvm-pv,7.7e-05",
        "dense:80,native,0.000198",
        "dense:80,kvm-pv,7.7e-05",
    ]
    assert json.value(document)["times"][3]["guest"] == "dense:80"


def test_a_csv_has_a_dash_where_a_table_lacks_a_column_of_another() -> None:
    """Each row has as many cells as the first line."""
    tables = [table_of_records([record], roles={}, name="t") for record in ({"a": 1}, {"b": 2})]

    assert csv.render(Document(tables)).splitlines() == ["a,b", "1,-", "-,2"]


@pytest.mark.parametrize(
    ("value", "cell_text", "printed"),
    [
        pytest.param(0.1 + 0.2, "30 %", "0.3", id="a-fraction"),
        pytest.param(7, "seven", "7", id="a-count"),
        pytest.param(None, "-", "-", id="unknown"),
        pytest.param("a,b", "a,b", '"a,b"', id="text-is-quoted"),
        pytest.param([1, 2], "1 to 2", "1 to 2", id="what-a-csv-cannot-hold"),
        pytest.param(True, "yes", "yes", id="yes-is-no-number"),
    ],
)
def test_a_csv_has_the_value_of_each_cell(value: Any, cell_text: str, printed: str) -> None:
    """It has the text of the cell if the value is neither a number nor a text."""
    table = Table(columns=(Column("a", "a"),), rows=((Cell(value, cell_text),),))

    assert csv.render(Document([table])) == f"a\n{printed}"


ESCAPES = "\x1b[2J\x07\u202e"


def hostile() -> Document:
    """Every text of the document has terminal escapes."""
    column = Column("key", f"title{ESCAPES}", Role.PROSE)
    return Document(
        [
            Heading(f"heading{ESCAPES}"),
            Paragraph(f"paragraph{ESCAPES}"),
            Notes(lines=(f"note{ESCAPES}",), title=f"notes{ESCAPES}"),
            Table(name="t", columns=(column,), rows=((Cell(f"cell{ESCAPES}"),),)),
        ]
    )


@pytest.mark.parametrize("renderer", [text, markdown, csv, json])
def test_no_renderer_prints_an_escape_of_a_terminal(renderer: Any) -> None:
    """Result files, plugins and labels come from other people."""
    printed = renderer.render(hostile(), 100)

    assert [c for c in ESCAPES if not c.isprintable() and c in printed] == []
    assert "cell" in printed


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        pytest.param("a|b", r"a\|b", id="a-bar-would-open-a-cell"),
        pytest.param("`a`", r"\`a\`", id="code"),
        pytest.param("<b>&amp;", "&lt;b>&amp;amp;", id="html"),
        pytest.param("[a](b)", r"\[a\](b)", id="a-link"),
        pytest.param("a\\", "a\\\\", id="an-escape"),
        pytest.param("send_IPI_mask 79w -> 1h", "send_IPI_mask 79w -> 1h", id="plain"),
    ],
)
def test_a_cell_of_markdown_has_no_markup(raw: str, escaped: str) -> None:
    """A reader of the pasted text sees the same characters."""
    table = table_of_records([{"name": raw}], roles={})

    assert f"| {escaped} |" in " ".join(markdown.render(Document([table])).split())


@pytest.mark.parametrize("raw", ["# a", "> a", "- a", "+ a", "* a", "1. a", "2) a"])
def test_a_paragraph_of_markdown_opens_no_other_block(raw: str) -> None:
    """Its first characters would make it a heading, a quotation or a list."""
    assert re.match(r"\d*\\", markdown.render(Document([Paragraph(raw)])))


@given(st.lists(st.text("abc -|", min_size=1, max_size=60), min_size=1, max_size=4))
def test_each_row_is_in_every_format(names: list[str]) -> None:
    """All formats have the same rows."""
    words = [" ".join(name.split()) or "x" for name in names]
    records = [{"name": str(n), "text": word} for n, word in enumerate(words)]
    document = Document([table_of_records(records, roles={"text": Role.PROSE}, name="t")])

    assert [row["text"] for row in read_csv(csv.render(document))] == words
    assert [row["text"] for row in json.value(document)["t"]] == words
    assert all(word in text.render(document, 500) for word in words)
    assert all(markdown.escaped(word) in markdown.render(document) for word in words)


LONG = [f"ids:{n}," + ",".join(map(str, range(0, 200, 2))) + ",9" for n in (1, 2)]


def test_a_long_name_has_one_short_form_and_is_printed_in_full_once() -> None:
    """Two names with equal short forms get numbers."""
    records = [{"name": name, "kind": "sparse"} for name in LONG]
    tables = [table_of_records(records, roles={}, name=name) for name in ("one", "two")]
    printed = text.render(Document(tables), 72)
    short_forms = [line.split()[0] for line in printed.splitlines() if line.endswith(" sparse")]

    assert (len(short_forms), len(set(short_forms)), short_forms[:2]) == (4, 2, short_forms[2:])
    assert all("..." in name and len(name) <= 40 for name in short_forms)
    assert [printed.count(f"{name} is ids:") for name in short_forms] == [1, 1, 1, 1]
    assert max(map(len, printed.splitlines())) <= 72
    assert LONG[0] in "".join(printed.split())


def test_names_with_equal_short_forms_get_numbers() -> None:
    """They differ in the middle, which is left out."""
    names = [30 * "a" + middle + 30 * "b" for middle in "xyz"]
    document = Document([table_of_records([{"name": name} for name in names], roles={})])
    short_forms = text.short_names(document, 20)

    assert list(short_forms) == names
    assert list(short_forms.values()) == [
        "aaaaaaaaa...bbbbbbbb",
        "aaaaaaaa...bbbbbbb~2",
        "aaaaaaaa...bbbbbbb~3",
    ]


MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PROSE = st.text(
    st.sampled_from("a1_ *~`|[]()<>&#-+=.:/!\\\"'$\n\t\x1b") | st.characters(), max_size=30
)
SHAPE = ["h3", "p", "ul", "li", "li", "table", "thead", "tr", "th", "tbody", "tr", "td"]


def shape_and_words(html: str) -> tuple[list[str], str]:
    """The tags that open in *html*, and its text without blanks."""
    tags = re.findall(r"<(\w+)", html)
    words = unescape(re.sub(r"<[^>]*>", "", html))
    return tags, "".join(words.split())


@given(st.tuples(*[PROSE] * 6))
@example(("=", "~~~", "1. a", "    a", "|-|", "http://a www.b <http://c>"))
@example(("#", "___", "- - a", "> a", "*a*", "_a_"))
def test_untrusted_text_does_not_change_the_structure_of_markdown(
    prose: tuple[str, ...],
) -> None:
    """A Markdown parser finds the blocks of the document, and no link, image or HTML."""
    texts = [f"x{text}" if not printable(text).strip() else text for text in prose]
    heading, paragraph, first, second, title, cell = texts
    document = Document(
        [
            Heading(heading),
            Paragraph(paragraph),
            Notes(lines=(first, second)),
            Table(columns=(Column("a", title),), rows=((Cell(cell),),)),
        ]
    )
    tags, words = shape_and_words(MARKDOWN.render(markdown.render(document)))

    assert tags == SHAPE
    assert words == "".join("".join(map(printable, texts)).split())


@pytest.mark.parametrize("raw", ["https://a.b/c", "HTTP://a", "www.a.b", "WWW.a"])
def test_an_address_in_text_of_others_does_not_become_a_link(raw: str) -> None:
    """GitHub makes one of any address that is not escaped."""
    assert re.search(r"(?<!\\)://|www\.", markdown.escaped(raw), re.IGNORECASE) is None
