"""A document as JSON: the values of all tables, and the sentences."""

from __future__ import annotations

import json
from typing import Any

from pvbench.document import Document, Heading, Notes, Paragraph, Table


def render(document: Document, width: int = 0) -> str:
    """Render the document as one JSON text."""
    return json.dumps(value(document), indent=2)


def value(document: Document) -> Any:
    """
    Return the document as a JSON value.

    The value is an object of tables and sentences by their names.  A table without a name
    is merged into the object if it is keyed; otherwise it is the whole document.
    """
    result: dict[str, Any] = {}
    for block in document.blocks:
        match block:
            case Heading(text):
                result.setdefault("headings", []).append(text)
            case Paragraph(text):
                result.setdefault("paragraphs", []).append(text)
            case Notes(in_json=True):
                result.setdefault(block.name, []).extend(block.lines)
            case Table(name="", keyed=False):
                return records(block)
            case Table(keyed=True):
                _object(result, block.name).update(_keyed(block))
            case Table():
                result.setdefault(block.name, []).extend(records(block))
    return result


def _object(result: dict[str, Any], name: str) -> dict[str, Any]:
    inner: dict[str, Any] = result.setdefault(name, {}) if name else result
    return inner


def _keyed(table: Table) -> dict[str, Any]:
    return {name_cell.value: value_cell.value for name_cell, value_cell in table.rows}


def records(table: Table) -> list[dict[str, Any]]:
    """Return an object for each row, with the context of the table merged in."""
    context = {column.key: cell.value for column, cell in table.context}
    rows = []
    for row in table.rows:
        record = dict(context)
        for column, cell in zip(table.columns, row, strict=True):
            record |= {column.key: cell.value} if column.key else cell.value
        rows.append(record)
    return rows
