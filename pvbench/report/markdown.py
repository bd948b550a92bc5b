"""A document as Markdown that can be pasted into a commit or an issue."""

from __future__ import annotations

import re
from typing import Final

from tabulate import tabulate

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
from pvbench.text import PIPE_WIDTH

# An underline inside a word, as in send_IPI_mask, means nothing.
_SPECIAL: Final = re.compile(r"[\\`|\[\]*~]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.I)
_OPENS_A_BLOCK: Final = re.compile(r"^(\d*)([#>+=.)-])")


def render(document: Document, width: int = 0) -> str:
    """Render headings, paragraphs, lists, and tables in GitHub's format."""
    return "\n\n".join(filter(None, map(_block, document.blocks)))


def escaped(text: str) -> str:
    """Escape the characters of *text* that mean something in Markdown or HTML."""
    html = text.replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(r"\\\g<0>", html)


def _line(text: str) -> str:
    """Escape a line, also where its first characters would open a list or another block."""
    return _OPENS_A_BLOCK.sub(r"\1\\\2", escaped(text.strip()))


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"### {_line(text)}"
        case Paragraph(text):
            return _line(text)
        case Notes():
            return _notes(block)
        case CommandLine(words):
            return f"```\n{layout.continued(words, PIPE_WIDTH)}\n```"
        case Table(shown=True, in_text=True):
            return _table(block)
        case _:
            return ""


def _notes(notes: Notes) -> str:
    if not notes.lines:
        return ""
    head = [_line(notes.title)] if notes.title else []
    return "\n\n".join([*head, "\n".join(f"- {_line(line)}" for line in notes.lines)])


def _table(table: Table) -> str:
    facts, table = layout.split_constants(table, {Role.CONDITION})
    text = tabulate(
        [[escaped(cell.text) for cell in row] for row in table.rows],
        headers=[escaped(column.title) for column in table.columns],
        tablefmt="github",
        colalign=[_align(column.role) for column in table.columns] if table.rows else None,
        disable_numparse=True,
    )
    constants = _line(layout.in_every_row(facts)) if facts else ""
    return "\n\n".join(filter(None, [_line(table.title), constants, text]))


def _align(role: Role) -> str:
    return "right" if role is Role.VALUE else "left"
