"""A document as JSON: the values of all of its tables, and its sentences."""

from __future__ import annotations

import json
from typing import Any

from pvbench.report.document import Document, Heading, Notes, Paragraph, Table


def render(document: Document, width: int = 0) -> str:
    """One JSON text."""
    return json.dumps(value(document), indent=2)


def value(document: Document) -> Any:
    """
    The document as a value of JSON.

    It is an object of tables and sentences by their names; a table without a name joins
    the object if it is keyed, and else it is the whole document.
    """
    whole: dict[str, Any] = {}
    for block in document.blocks:
        match block:
            case Heading(text):
                whole.setdefault("headings", []).append(text)
            case Paragraph(text):
                whole.setdefault("paragraphs", []).append(text)
            case Notes(in_json=True):
                whole.setdefault(block.name, []).extend(block.lines)
            case Table(name="", keyed=False):
                return records(block)
            case Table(keyed=True):
                _object(whole, block.name).update(_keyed(block))
            case Table():
                whole.setdefault(block.name, []).extend(records(block))
    return whole


def _object(whole: dict[str, Any], name: str) -> dict[str, Any]:
    inner: dict[str, Any] = whole.setdefault(name, {}) if name else whole
    return inner


def _keyed(table: Table) -> dict[str, Any]:
    return {name.value: found.value for name, found in table.rows}


def records(table: Table) -> list[dict[str, Any]]:
    """An object for each row, with what holds for the whole table."""
    context = {column.key: cell.value for column, cell in table.context}
    rows = []
    for row in table.rows:
        record = dict(context)
        for column, cell in zip(table.columns, row, strict=True):
            record |= {column.key: cell.value} if column.key else cell.value
        rows.append(record)
    return rows
