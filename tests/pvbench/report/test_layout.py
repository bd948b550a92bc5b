"""The layout of a table in any width: it fits, and no cell is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.document import Cell, Column, Document, Role, Table
from pvbench.report import layout, text

ROLES = [Role.NAME, Role.CONDITION, Role.VALUE, Role.PROSE]
WORDS = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=50)
CELLS = st.lists(WORDS, max_size=3).map(" ".join)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Any table: of one to six columns, titles and cells of any length."""
    roles = draw(st.lists(st.sampled_from(ROLES), min_size=1, max_size=6))
    columns = tuple(Column(f"c{n}", draw(CELLS), role) for n, role in enumerate(roles))
    row = st.tuples(*(CELLS.map(Cell) for _ in columns))
    return Table(name="table", columns=columns, rows=tuple(draw(st.lists(row, max_size=3))))


def table(titles: str, *rows: str, roles: list[Role] | None = None) -> Table:
    """A table whose cells are divided by ``|``."""
    heads = titles.split("|")
    kinds = roles or [Role.NAME, *(len(heads) - 1) * [Role.VALUE]]
    return Table(
        columns=tuple(Column(h, h, kind) for h, kind in zip(heads, kinds, strict=True)),
        rows=tuple(tuple(map(Cell, row.split("|"))) for row in rows),
    )


def characters(words: str) -> list[str]:
    """The characters of a text but for its blanks, and how often each occurs."""
    return sorted("".join(words.split()))


@given(tables(), st.integers(40, 250))
def test_any_table_fits_any_width(drawn: Table, width: int) -> None:
    """This holds for names of any length."""
    printed = text.render(Document([drawn]), width)

    assert max(map(len, printed.splitlines()), default=0) <= width


@given(tables(), st.integers(40, 250))
def test_every_cell_is_printed(drawn: Table, width: int) -> None:
    """Each character is printed at least as often as it occurs in distinct cells."""
    printed = characters(layout.text_of(drawn, width))
    _, narrowed = layout.split_constants(drawn, {*Role} - {Role.NAME})
    cells = characters(" ".join({cell.text for row in narrowed.rows for cell in row}))

    assert all(printed.count(character) >= cells.count(character) for character in {*cells})


@given(tables())
def test_a_wide_terminal_shows_each_row_in_one_line(drawn: Table) -> None:
    """Nothing is wrapped, split or shortened if there is space for it."""
    lines = text.render(Document([drawn]), 10_000).splitlines()
    _, narrowed = layout.split_constants(drawn, {Role.CONDITION})

    for row in narrowed.rows if narrowed.columns else ():
        assert any(all(cell.text in line for cell in row) for line in lines)


STACKS = ("stack|dry-run|normal-ipi|broadcast", "native|24.0 ns|2.54 us|198 us")


def test_a_table_that_fits_is_not_changed() -> None:
    """Names are aligned left, numbers right."""
    assert layout.text_of(table(*STACKS), 40).splitlines() == [
        "stack   dry-run  normal-ipi  broadcast",
        "------  -------  ----------  ---------",
        "native  24.0 ns     2.54 us     198 us",
    ]


def test_a_condition_that_does_not_vary_is_printed_once() -> None:
    """It is printed above the table in any width."""
    roles = [Role.NAME, Role.CONDITION, Role.VALUE]
    printed = layout.text_of(
        table("stack|guest|time", "a|g:1|1 s", "b|g:1|2 s", roles=roles), 80
    )

    assert printed.splitlines() == [
        "Columns with one value in every row: guest g:1.",
        "",
        "stack  time",
        "-----  ----",
        "a       1 s",
        "b       2 s",
    ]


def test_a_number_that_does_not_vary_is_printed_once_if_space_is_short() -> None:
    """Two stacks have the same dry run."""
    rows = ("native-and-long|24.0 ns|2.54 us|198 us", "kvm-pv|24.0 ns|2.04 us|77 us")
    printed = layout.text_of(table(STACKS[0], *rows), 40)

    assert printed.splitlines()[:2] == [
        "Columns with one value in every row:",
        "dry-run 24.0 ns.",
    ]
    assert layout.text_of(table(STACKS[0], *rows), 80).splitlines()[0].split()[1] == "dry-run"


def test_one_row_keeps_all_of_its_columns() -> None:
    """A value of a single row is not constant over several rows."""
    roles = [Role.NAME, Role.CONDITION, Role.VALUE]

    assert "guest" in layout.text_of(table("s|guest|time", "a|g:1|1 s", roles=roles), 80)


def test_a_single_row_that_does_not_fit_is_a_list() -> None:
    """Two tables of one row each would repeat its names."""
    heads = "workload|stack|time before|time after|ratio"
    row = "broadcast|kvm-pv/x2apic-physical|76.9 us|76.9 us|1.000"
    roles = [Role.NAME, Role.NAME, Role.VALUE, Role.VALUE, Role.VALUE]

    assert layout.text_of(table(heads, row, roles=roles), 50).splitlines() == [
        "workload: broadcast",
        "stack: kvm-pv/x2apic-physical",
        "time before: 76.9 us",
        "time after: 76.9 us",
        "ratio: 1.000",
    ]


def test_a_command_is_continued_with_backslashes() -> None:
    """A shell reads it as one line, and no word is broken."""
    words = ("pvbench ab", "norov", "--sender native,kvm-pv", "--driver x2apic-physical")

    assert layout.continued(words, 40).splitlines() == [
        "pvbench ab norov \\",
        "    --sender native,kvm-pv \\",
        "    --driver x2apic-physical",
    ]
    assert layout.continued(words, 99) == " ".join(words)


def test_an_empty_column_is_left_out() -> None:
    """A plan in which every case can run has no reasons."""
    roles = [Role.NAME, Role.PROSE]

    assert layout.text_of(table("case|reason", "a|", "b|", roles=roles), 80) == (
        "case\n----\na\nb"
    )


def test_prose_is_wrapped_and_names_are_not() -> None:
    """A name that is cut in two cannot be copied or searched."""
    roles = [Role.NAME, Role.PROSE]
    rows = ("send-a-very-long|patch v3 of 2018: one hypercall for all",)

    assert layout.text_of(table("name|summary", *rows, roles=roles), 40).splitlines() == [
        "name              summary",
        "----------------  ---------------------",
        "send-a-very-long  patch v3 of 2018: one",
        "                  hypercall for all",
    ]


KVM, NATIVE = "kvm-pv/x2apic-physical", "x2apic-physical"
LOADS = (("a-long-broadcast", "198 us"), ("a-longer-unicast", "2.51 us"))


def test_a_table_that_is_too_wide_is_split_and_each_part_has_the_names() -> None:
    """The names identify the rows in every part."""
    rows = tuple(
        f"{name}-and-more-of-them|1{name}1 us|2{name}2 us|3{name}3 us" for name in "ab"
    )
    first, second = layout.text_of(table("stack|first|second|third", *rows), 40).split("\n\n")

    assert first.splitlines() == [
        "stack                first  second",
        "------------------  ------  ------",
        "a-and-more-of-them  1a1 us  2a2 us",
        "b-and-more-of-them  1b1 us  2b2 us",
    ]
    assert second.splitlines()[2:] == [
        "a-and-more-of-them  3a3 us",
        "b-and-more-of-them  3b3 us",
    ]


def test_a_condition_that_varies_is_repeated_like_a_name() -> None:
    """Otherwise rows of the second part could not be told apart."""
    roles = [Role.NAME, Role.CONDITION, Role.VALUE, Role.VALUE]
    rows = (f"ipi|dense:{n}|{n} times the time|{n} writes" for n in (2, 8))
    parts = layout.text_of(table("load|guest|first|second", *rows, roles=roles), 40)

    assert [line.split()[:2] for line in parts.split("\n\n")[1].splitlines()[2:]] == [
        ["ipi", "dense:2"],
        ["ipi", "dense:8"],
    ]


def test_a_table_that_is_too_wide_is_divided_by_a_name_that_is_repeated() -> None:
    """Each value of the repeated name is a line above its rows."""
    roles = [Role.NAME, Role.NAME, Role.VALUE]
    rows = [f"{load}|{side}|{time}" for side in (KVM, NATIVE) for load, time in LOADS]
    printed = layout.text_of(table("workload|side|time", *rows, roles=roles), 40)

    assert printed.splitlines()[:9] == [
        f"side {KVM}:",
        "",
        "workload             time",
        "----------------  -------",
        "a-long-broadcast   198 us",
        "a-longer-unicast  2.51 us",
        "",
        f"side {NATIVE}:",
        "",
    ]


def test_each_row_becomes_a_list_if_no_column_fits() -> None:
    """The list has one line for each cell."""
    rows = (f"{30 * 'a'}|{30 * 'b'}",)

    assert layout.text_of(table("name|time", *rows), 40).splitlines() == [
        f"name: {30 * 'a'}",
        f"time: {30 * 'b'}",
    ]


@pytest.mark.parametrize("width", [40, 200])
def test_a_table_without_rows_still_has_its_headings(width: int) -> None:
    """An empty result is shown as an empty table."""
    assert "summary" in layout.text_of(table("name|summary"), width)


@pytest.mark.parametrize("start", ["./", "/"])
def test_a_path_is_not_broken_in_a_narrow_column(start: str) -> None:
    """A user copies a path; another word of this length is broken."""
    path = f"{start}results/intel-xeon-processor-with-2-cpus"
    roles = [Role.NAME, Role.PROSE]
    printed = layout.text_of(table("a|b", f"where|to {path}", roles=roles), 55)

    assert path in printed
    assert path[2:] not in layout.text_of(table("a|b", f"where|to {path[2:]}", roles=roles), 40)


@given(st.integers(40, 200), st.integers(0, 40))
def test_a_number_and_its_unit_are_on_one_line(width: int, shift: int) -> None:
    """In a sentence and in a column of prose, wherever the line ends."""
    sentence = "x" * shift + " each instruction counts as 2 ns, 0.5 %, 3 boots and 1000 MB" * 3
    prose = Table(
        columns=(Column("a", "a"), Column("b", "b", Role.PROSE)),
        rows=((Cell("name"), Cell(sentence)), (Cell("other"), Cell("-"))),
    )
    printed = [*layout.wrapped(sentence, width).splitlines(), *lines_of(prose, width)]

    assert [line for line in printed if line.rstrip()[-1:].isdigit()] == []
    assert [line for line in printed if "\N{NO-BREAK SPACE}" in line] == []


def lines_of(table: Table, width: int) -> list[str]:
    """The lines of a table."""
    return layout.text_of(table, width).splitlines()
