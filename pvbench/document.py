"""
The document that every renderer prints: headings, paragraphs, notes and tables.

A cell has a value for JSON and CSV and a text for people, so a column is defined once
for all formats.  All text is made safe to print when it enters the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Generic, TypeVar

import attrs

from pvbench.checks import Checks
from pvbench.text import printable

T = TypeVar("T")


class Role(Enum):
    """The purpose of a column; it decides how the table is narrowed."""

    NAME = auto()  # identifies the row; repeated where a table is split
    CONDITION = auto()  # as NAME; constant in most tables, then written once, above the table
    VALUE = auto()  # a number; never wrapped
    PROSE = auto()  # text that may be wrapped
    TABLE = auto()  # for programs: in CSV and JSON only
    DATA = auto()  # for programs: in JSON only


@attrs.frozen
class Cell:
    """
    One cell.

    Args:
        value: the value for programs: seconds, a fraction, text, or another JSON value.
        text: the text for people: rounded, with its unit.
    """

    value: Any
    text: str = attrs.field(converter=printable)

    @text.default
    def _text_of_value(self) -> str:
        return "" if self.value is None else str(self.value)


@attrs.frozen
class Column:
    """
    One column.

    Args:
        key: the name in JSON; empty if the cells are mappings that are merged into the row.
        title: the heading for people.
        role: the purpose of the column.
        csv: the heading in CSV; by default the title.
    """

    key: str
    title: str = attrs.field(converter=printable)
    role: Role = Role.NAME
    csv: str = attrs.field(converter=printable)

    @csv.default
    def _title(self) -> str:
        return self.title


@attrs.frozen
class Heading:
    """The subject of the blocks below it."""

    text: str = attrs.field(converter=printable)


@attrs.frozen
class Paragraph:
    """A paragraph of text."""

    text: str = attrs.field(converter=printable)


def _sentences(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(printable, lines))


@attrs.frozen(kw_only=True)
class Notes:
    """
    Sentences that belong together, each on its own line.

    Args:
        lines: the sentences; there may be none.
        name: the name in JSON.
        title: a line above them.
        bulleted: whether they are printed as a list.
        in_json: whether JSON has them; it need not if a table has the same content.
    """

    lines: tuple[str, ...] = attrs.field(converter=_sentences)
    name: str = "notes"
    title: str = attrs.field(default="", converter=printable)
    bulleted: bool = False
    in_json: bool = True


@attrs.frozen(kw_only=True)
class Table:
    """
    Rows of cells.

    Args:
        name: the name in JSON; empty if the table is the whole document.
        title: a line above it.
        context: values that hold for all rows and are in a heading already; a CSV of
            several tables has a column for each value that differs between them.
        keyed: whether it is an object in JSON that maps the first column to the second.
        shown: whether text, Markdown and CSV have it; JSON has all tables.
        in_csv: whether a CSV can have it; the first such table is its rows.
        in_text: whether text and Markdown have it if it is shown; a sentence may replace it.
        is_matrix: whether text has all columns, also those with one value in every row.
        appended: whether a CSV has its rows too, after those of the first table.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    name: str = ""
    title: str = attrs.field(default="", converter=printable)
    context: tuple[tuple[Column, Cell], ...] = ()
    keyed: bool = False
    shown: bool = True
    appended: bool = False
    in_csv: bool = True
    in_text: bool = True
    is_matrix: bool = False

    @property
    def visible(self) -> Table:
        """The table without the columns that are for JSON only."""
        columns = self.columns
        return self.only([n for n, c in enumerate(columns) if c.role is not Role.DATA])

    def only(self, places: Sequence[int]) -> Table:
        """The table with the columns at *places*."""
        return attrs.evolve(
            self,
            columns=tuple(self.columns[place] for place in places),
            rows=tuple(tuple(row[place] for place in places) for row in self.rows),
        )


@attrs.frozen
class CommandLine:
    """
    A command that can be copied as it is printed; JSON has it elsewhere.

    Args:
        words: its words, which are not broken.
    """

    words: tuple[str, ...] = attrs.field(converter=_sentences)


Block = Heading | Paragraph | Notes | Table | CommandLine | Checks


def _blocks(blocks: Iterable[Block]) -> tuple[Block, ...]:
    return tuple(blocks)


@attrs.frozen
class Document:
    """A sequence of blocks."""

    blocks: tuple[Block, ...] = attrs.field(converter=_blocks)

    @property
    def tables(self) -> Iterator[Table]:
        """The tables that text and Markdown have, with the columns that are shown there."""
        return (b.visible for b in self.blocks if isinstance(b, Table) and b.shown)


@attrs.frozen
class Field(Generic[T]):
    """A column, and the function that makes its cell from the item of a row."""

    column: Column
    cell: Callable[[T], Cell]


def table_of(fields: Sequence[Field[T]], items: Iterable[T], **options: Any) -> Table:
    """Make a table with a row for each item."""
    return Table(
        columns=tuple(field.column for field in fields),
        rows=tuple(tuple(field.cell(item) for field in fields) for item in items),
        **options,
    )


def table_of_records(
    records: Sequence[Mapping[str, Any]],
    *,
    roles: Mapping[str, Role],
    otherwise: Sequence[str] = ("name",),
    **options: Any,
) -> Table:
    """
    Make a table of mappings that have the same keys.

    Args:
        records: one for each row; their keys are the names of the columns.
        roles: the roles of columns; a column that is not listed is a name.
        otherwise: the columns if there is no record.
        options: further arguments of the table.
    """
    keys = list(records[0]) if records else otherwise
    return Table(
        columns=tuple(Column(key, key, roles.get(key, Role.NAME)) for key in keys),
        rows=tuple(tuple(Cell(record[key]) for key in keys) for record in records),
        **options,
    )


def facts(
    values: Mapping[str, Any],
    *,
    titles: Mapping[str, str] | None = None,
    heads: tuple[str, str] = ("what", "value"),
    **options: Any,
) -> Table:
    """
    Make a table of names and values, which is an object in JSON.

    Args:
        values: the values by their names in JSON.
        titles: the names for people, where they differ.
        heads: the titles of the two columns.
        options: further arguments of the table.
    """
    columns = (Column("name", heads[0]), Column("value", heads[1], Role.PROSE))
    rows = ((Cell(name, (titles or {}).get(name, name)), Cell(values[name])) for name in values)
    return Table(columns=columns, rows=tuple(rows), keyed=True, **options)
