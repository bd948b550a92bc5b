"""A document as text of a given width."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from pvbench.document import (
    Block,
    Cell,
    CommandLine,
    Document,
    Heading,
    Notes,
    Paragraph,
    Role,
    Table,
)
from pvbench.report import layout
from pvbench.text import PIPE_WIDTH, shortened

LEAST_WIDTH: Final = 40  # in a narrower terminal the terminal wraps the lines
_NAMES: Final = {Role.NAME, Role.CONDITION}
_BULLET: Final = "- "


def render(document: Document, width: int = PIPE_WIDTH) -> str:
    """Render the document in lines of at most *width* characters, at least LEAST_WIDTH."""
    width = max(width, LEAST_WIDTH)
    short_forms = short_names(document, _longest_name(width))
    full_names = Notes(
        lines=tuple(f"{text} is {name}" for name, text in short_forms.items()),
        title="Names that are shortened above:",
    )
    blocks = [*(_with_names(block, short_forms) for block in document.blocks), full_names]
    return "\n\n".join(filter(None, (_block(block, width) for block in blocks)))


def _longest_name(width: int) -> int:
    """The length above which names are shortened, so that other columns fit beside them."""
    return width * 5 // 9


def short_names(document: Document, width: int) -> dict[str, str]:
    """A unique short form for each name in a table that is longer than *width*."""
    short_forms: dict[str, str] = {}
    for name in dict.fromkeys(_names(document)):
        if len(name) > width:
            text, number = shortened(name, width), 1
            while text in short_forms.values():
                number += 1
                text = shortened(name, width - len(f"~{number}")) + f"~{number}"
            short_forms[name] = text
    return short_forms


def _names(document: Document) -> Iterator[str]:
    for table in document.tables:
        for row in table.rows:
            for column, cell in zip(table.columns, row, strict=True):
                if column.role in _NAMES:
                    yield cell.text


def _with_names(block: Block, short_forms: Mapping[str, str]) -> Block:
    """Shorten the long names of a table; return any other block unchanged."""
    if not isinstance(block, Table) or not short_forms:
        return block
    return attrs.evolve(
        block,
        rows=tuple(
            tuple(
                Cell(cell.value, short_forms.get(cell.text, cell.text))
                if column.role in _NAMES
                else cell
                for column, cell in zip(block.columns, row, strict=True)
            )
            for row in block.rows
        ),
    )


def _block(block: Block, width: int) -> str:
    match block:
        case Heading(text) | Paragraph(text):
            return layout.wrapped(text, width)
        case Notes():
            return _notes(block, width)
        case CommandLine(words):
            return layout.continued(words, width)
        case Table(shown=True, in_text=True):
            title = layout.wrapped(block.title, width)
            return "\n\n".join(filter(None, [title, layout.text_of(block, width)]))
        case _:
            return ""


def _notes(notes: Notes, width: int) -> str:
    if not notes.lines:
        return ""
    bullet = _BULLET if notes.bulleted else ""
    lines = [layout.wrapped(bullet + line, width, layout.HANGING) for line in notes.lines]
    head = [layout.wrapped(notes.title, width)] if notes.title else []
    return "\n\n".join([*head, "\n".join(lines)])
