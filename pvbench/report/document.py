"""
The document between data and every renderer: headings, paragraphs, notes and tables.

A cell has a value, for JSON and CSV, and a text, for people, so that a column is
written once.  All text is made safe to print when it enters the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Final, Generic, TypeVar

import attrs

from pvbench.text import printable

T = TypeVar("T")
FORMATS: Final = ("plain", "markdown", "csv")


class Role(Enum):
    """What a column does for its table, which decides what happens when space is short."""

    NAME = auto()  # says what a row is about; repeated where a table is split
    CONDITION = auto()  # the same in most tables; then it is told once, above the table
    VALUE = auto()  # a number; never wrapped
    PROSE = auto()  # text that may be wrapped
    DATA = auto()  # for programs: in JSON only


@attrs.frozen
class Cell:
    """
    One cell.

    Args:
        value: for programs: a number in seconds or a fraction, text, or anything of JSON.
        text: for people: rounded, with its unit.
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
        key: its name in JSON; empty if its cells are mappings that join their row.
        title: its heading for people.
        role: what it does for the table.
        csv: its heading in CSV, if not the title.
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
    """What the blocks below it are about."""

    text: str = attrs.field(converter=printable)


@attrs.frozen
class Paragraph:
    """Text of its own."""

    text: str = attrs.field(converter=printable)


def _sentences(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(printable, lines))


@attrs.frozen(kw_only=True)
class Notes:
    """
    Sentences that belong together, one below the other.

    Args:
        lines: the sentences; there may be none.
        name: their name in JSON.
        title: a line above them.
        bulleted: whether they are printed as a list.
        in_json: whether JSON has them; not if a table has what they say.
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
        name: its name in JSON; empty if it is the whole document.
        title: a line above it.
        context: what holds for all of its rows and stands in a heading already; a CSV of
            several tables has columns of what differs between them.
        keyed: whether JSON has an object of it, from its first column to its second.
        shown: whether people see it; JSON has all tables.
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

    @property
    def visible(self) -> Table:
        """The table without the columns for programs."""
        columns = self.columns
        return self.only([n for n, c in enumerate(columns) if c.role is not Role.DATA])

    def only(self, places: Sequence[int]) -> Table:
        """The table with the columns at *places*."""
        return attrs.evolve(
            self,
            columns=tuple(self.columns[place] for place in places),
            rows=tuple(tuple(row[place] for place in places) for row in self.rows),
        )


Block = Heading | Paragraph | Notes | Table


def _blocks(blocks: Iterable[Block]) -> tuple[Block, ...]:
    return tuple(blocks)


@attrs.frozen
class Document:
    """Blocks from top to bottom."""

    blocks: tuple[Block, ...] = attrs.field(converter=_blocks)

    @property
    def tables(self) -> Iterator[Table]:
        """Its tables that people see, with the columns that they see."""
        return (b.visible for b in self.blocks if isinstance(b, Table) and b.shown)


@attrs.frozen
class Field(Generic[T]):
    """A column, and how its cell follows from the thing that a row is about."""

    column: Column
    cell: Callable[[T], Cell]


def table_of(fields: Sequence[Field[T]], things: Iterable[T], **options: Any) -> Table:
    """A table with a row for each thing."""
    return Table(
        columns=tuple(field.column for field in fields),
        rows=tuple(tuple(field.cell(thing) for field in fields) for thing in things),
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
    A table of mappings that have the same keys.

    Args:
        records: one for each row; the keys are the columns' names.
        roles: of columns; the others are names.
        otherwise: the columns if there is no record.
        options: of the table.
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
    A table of names and values, which is an object in JSON.

    Args:
        values: by their names in JSON.
        titles: the names for people, where they differ.
        heads: titles of the two columns.
        options: of the table.
    """
    columns = (Column("name", heads[0]), Column("value", heads[1], Role.PROSE))
    rows = ((Cell(name, (titles or {}).get(name, name)), Cell(values[name])) for name in values)
    return Table(columns=columns, rows=tuple(rows), keyed=True, **options)
