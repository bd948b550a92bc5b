"""
The layout of a table in a given width.

A value that does not vary is written once, above the table.  Text is wrapped.  A table
that is still too wide is split into several, or into a list for each row; a single row is
a list at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import TextWrapper
from typing import Final

import attrs
from tabulate import tabulate

from pvbench.document import Cell, Role, Table
from pvbench.text import breakable, unbroken

_GAP: Final = 2  # between columns
_LONGEST_WORD: Final = 24  # a longer word is broken where space is short
_PATHS: Final = ("/", "./")
_IDENTIFYING: Final = (Role.NAME, Role.CONDITION)
_RULE: Final = "-"
HANGING: Final = "  "
_CONTINUED: Final = " \\"
_DEEPER: Final = "    "


def text_of(table: Table, width: int) -> str:
    """Render *table* in lines of at most *width* characters."""
    facts, table = split_constants(table, {Role.CONDITION})
    if _natural_width(table) > width and not table.is_matrix:
        more_facts, table = split_constants(table, {*Role} - {Role.NAME})
        facts += more_facts
    constants = wrapped(in_every_row(facts), width) if facts else ""
    return "\n\n".join(filter(None, [constants, _body(table, width)]))


def _body(table: Table, width: int) -> str:
    if _natural_width(table) <= width:
        return _drawn(table, [_natural(table, place) for place in range(len(table.columns))])
    tables = _column_groups(table, width)
    if len(tables) > 1 and len(table.rows) == 1:
        return _list_of(table, table.rows[0], width)
    if len(tables) != 1 and (place := _divider(table)) is not None:
        return "\n\n".join(_group(table, place, name, width) for name in _names(table, place))
    if tables:
        return "\n\n".join(_drawn(part, _widths(part, width)) for part in tables)
    return "\n\n".join(_list_of(table, row, width) for row in table.rows)


# columns that do not vary


def split_constants(table: Table, roles: set[Role]) -> tuple[list[tuple[str, str]], Table]:
    """
    Split off the columns of *roles* that have one value in several rows.

    Return their titles and values, and the table of the other columns.  Empty columns and
    columns for programs are left out.
    """
    facts, places = [], []
    for place, column in enumerate(table.columns):
        texts = {row[place].text for row in table.rows}
        if texts == {""} or column.role in (Role.TABLE, Role.DATA):
            continue
        if column.role in roles and len(table.rows) > 1 and len(texts) == 1:
            facts.append((column.title, texts.pop()))
        else:
            places.append(place)
    return facts, table.only(places)


def in_every_row(facts: list[tuple[str, str]]) -> str:
    """The sentence that replaces columns whose value does not vary."""
    values = ", ".join(f"{title} {text}" for title, text in facts)
    return f"Columns with one value in every row: {values}."


# widths


def _cells(table: Table, place: int) -> list[str]:
    return [row[place].text for row in table.rows]


def _natural(table: Table, place: int) -> int:
    return max(map(len, ["-", table.columns[place].title, *_cells(table, place)]))


def _natural_width(table: Table) -> int:
    return _sum(_natural(table, place) for place in range(len(table.columns)))


def _sum(widths: Iterable[int]) -> int:
    """The width of a table whose columns have *widths*."""
    return sum(width + _GAP for width in widths) - _GAP


def _least(table: Table, place: int) -> int:
    """The least width of a column: numbers, names and words are not broken."""
    column, cells = table.columns[place], _cells(table, place)
    title = _longest(_in_parts(column.title).replace("-", "- "), _LONGEST_WORD)
    if column.role is Role.PROSE:
        return max([title, *(_longest(cell, _LONGEST_WORD) for cell in cells)])
    return max([title, *map(len, cells)])


def _longest(text: str, limit: int) -> int:
    """The length of the longest word, at most *limit*; a path is never broken, to be copied."""
    words = unbroken(text).split(" ")
    lengths = (len(w) if w.startswith(_PATHS) else min(limit, len(w)) for w in words)
    return max(lengths, default=1)


def _widths(table: Table, width: int) -> list[int]:
    """The least width of each column, plus a share of the spare width where it is needed."""
    places = range(len(table.columns))
    widths = [_least(table, place) for place in places]
    spare = width - _sum(widths)
    needs = sorted(places, key=lambda place: _natural(table, place) - widths[place])
    for index, place in enumerate(needs):
        share = spare // (len(needs) - index)
        extra = min(share, _natural(table, place) - widths[place])
        widths[place] += max(0, extra)
        spare -= max(0, extra)
    return widths


# splitting


def _divider(table: Table) -> int | None:
    """The widest of several columns of names, if its names occur in two rows on average."""
    places = [n for n, column in enumerate(table.columns) if column.role is Role.NAME]
    repeated = [n for n in places if 2 * len(_names(table, n)) <= len(table.rows)]
    if len(places) < 2 or not repeated:
        return None
    return max(repeated, key=lambda place: _natural(table, place))


def _names(table: Table, place: int) -> list[str]:
    return list(dict.fromkeys(_cells(table, place)))


def _group(table: Table, place: int, name: str, width: int) -> str:
    """The rows that have *name*, below a line with that name."""
    rows = tuple(row for row in table.rows if row[place].text == name)
    other_columns = [column for column in range(len(table.columns)) if column != place]
    head = wrapped(f"{table.columns[place].title} {name}:", width)
    return f"{head}\n\n{text_of(attrs.evolve(table, rows=rows).only(other_columns), width)}"


def _column_groups(table: Table, width: int) -> list[Table]:
    """Tables that fit *width*, with all that identifies a row; empty if that is impossible."""
    places = range(len(table.columns))
    names = [place for place in places if table.columns[place].role in _IDENTIFYING]
    parts: list[list[int]] = []
    for place in sorted({*places} - {*names}):
        if not parts or _least_width(table, [*parts[-1], place]) > width:
            parts.append([*names])
        parts[-1].append(place)
    groups = parts or [names]
    if any(_least_width(table, part) > width for part in groups):
        return []
    return [table.only(sorted(part)) for part in groups]


def _least_width(table: Table, places: list[int]) -> int:
    return _sum(_least(table, place) for place in places)


# drawing


def wrapped(text: str, width: int, indent: str = "", *, hyphens: bool = False) -> str:
    """Wrap *text* to *width*; all lines but the first are indented."""
    if len(text) <= width:
        return text.rstrip()
    wrapper = TextWrapper(width, subsequent_indent=indent, break_on_hyphens=hyphens)
    return breakable("\n".join(wrapper.wrap(unbroken(text))))


def continued(words: Sequence[str], width: int) -> str:
    """A command in lines that end in a backslash, as a shell reads them."""
    lines = [words[0]]
    for word in words[1:]:
        if len(f"{lines[-1]} {word}{_CONTINUED}") > width:
            lines[-1] += _CONTINUED
            lines.append(f"{_DEEPER}{word}")
        else:
            lines[-1] += f" {word}"
    return "\n".join(lines)


def _drawn(table: Table, widths: Sequence[int]) -> str:
    """Render the table with each column wrapped to its width."""
    titles = [column.title for column in table.columns]
    hang = HANGING if len(titles) == 1 else ""  # only the indent shows where a row begins
    rows = [
        [_wrapped_title(title, width) for title, width in zip(titles, widths, strict=True)],
        *(
            [wrapped(c.text, w, hang) for c, w in zip(row, widths, strict=True)]
            for row in table.rows
        ),
    ]
    rule = [_RULE * max(map(_width, cells)) for cells in zip(*rows, strict=True)]
    align = ["right" if c.role is Role.VALUE else "left" for c in table.columns]
    text = tabulate(
        [rows[0], rule, *rows[1:]], tablefmt="plain", colalign=align, disable_numparse=True
    )
    return "\n".join(line.rstrip() for line in text.splitlines())


def _wrapped_title(title: str, width: int) -> str:
    """A title that may be broken behind a hyphen or a colon."""
    if len(title) <= width:
        return title
    return wrapped(_in_parts(title), width, hyphens=True).replace(": ", ":")


def _in_parts(title: str) -> str:
    """A title, such as the name of a workload, with blanks between its parts."""
    return title.replace(":", ": ")


def _width(text: str) -> int:
    return max(map(len, text.splitlines()), default=0)


def _list_of(table: Table, row: tuple[Cell, ...], width: int) -> str:
    """Render one row with a line for each cell."""
    lines = (f"{c.title}: {cell.text}" for c, cell in zip(table.columns, row, strict=True))
    return "\n".join(wrapped(line, width, HANGING) for line in lines)
