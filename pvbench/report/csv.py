"""
A document as CSV: its first table, the tables of the same name, and appended tables.

Tables that are not for a CSV are left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from pvbench.document import Cell, Column, Document, Table
from pvbench.text import printable


def render(document: Document, width: int = 0) -> str:
    """Render one table: plain numbers, times in seconds, parts as fractions."""
    printed_tables = list(_printed([one for one in document.tables if one.in_csv]))
    context_columns = list(_differing_context(printed_tables))
    columns = dict.fromkeys(
        [*context_columns, *(c for table in printed_tables for c in table.columns)]
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.csv for column in columns])
    for table in printed_tables:
        for row in _rows(table):
            writer.writerow(
                [_plain(row[column]) if column in row else "-" for column in columns]
            )
    return text.getvalue().rstrip("\n")


def _printed(tables: list[Table]) -> Iterator[Table]:
    """The first table and those of its name, then those that are appended."""
    name = next((table.name for table in tables if not table.appended), None)
    yield from (table for table in tables if table.name == name and not table.appended)
    yield from (table for table in tables if table.appended)


def _differing_context(tables: list[Table]) -> Iterator[Column]:
    """The columns of context whose values differ between the tables."""
    for column in dict.fromkeys(column for table in tables for column, _ in table.context):
        if len({dict(table.context).get(column) for table in tables}) > 1:
            yield column


def _rows(table: Table) -> Iterator[dict[Column, Cell]]:
    for row in table.rows:
        yield dict(table.context) | dict(zip(table.columns, row, strict=True))


def _plain(cell: Cell) -> Any:
    if isinstance(cell.value, float):
        return f"{cell.value:.9g}"
    if isinstance(cell.value, int) and not isinstance(cell.value, bool):
        return cell.value
    return printable(cell.value) if isinstance(cell.value, str) else cell.text
