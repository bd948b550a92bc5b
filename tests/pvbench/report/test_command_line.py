"""A command that can be copied, and tables that people get as a number."""

from __future__ import annotations

import shlex

from markdown_it import MarkdownIt

from pvbench.document import Cell, Column, CommandLine, Document, Table
from pvbench.report import csv, json, markdown, text

COMMAND = CommandLine(words=("pvbench ab", "norov", "--sender a,b", "--env 'c\n```d'"))
TABLE = Table(
    columns=(Column("name", "name"),), rows=((Cell("x"),),), name="cases", in_text=False
)


def test_a_command_is_read_by_a_shell_as_one_line() -> None:
    """Lines are at most as long as asked for; untrusted text has no line end."""
    printed = text.render(Document([COMMAND]), 40)

    assert max(map(len, printed.splitlines())) <= 40
    assert shlex.split(printed.replace("\\\n", "")) == [
        *("pvbench", "ab", "norov"),
        *("--sender", "a,b", "--env", "c ```d"),
    ]


def test_a_command_is_a_fence_in_markdown() -> None:
    """No word ends the fence."""
    (fence,) = MarkdownIt().parse(markdown.render(Document([COMMAND])))

    assert (fence.type, shlex.split(fence.content.replace("\\\n", ""))[-1]) == (
        "fence",
        "c ```d",
    )


def test_programs_get_a_table_that_people_get_as_a_number() -> None:
    """It is in JSON and in CSV only."""
    document = Document([TABLE, COMMAND])

    assert text.render(document) == text.render(Document([COMMAND]))
    assert markdown.render(document) == markdown.render(Document([COMMAND]))
    assert csv.render(document) == "name\nx"
    assert json.value(document) == {"cases": [{"name": "x"}]}
