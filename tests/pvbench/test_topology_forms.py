"""The forms of a topology: the parser, the help, the errors and the page have the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pvbench.errors import UsageError
from pvbench.guest import HostIds
from pvbench.topology import parse_guest
from pvbench.topology_forms import FORMS, OPTIONS, Form, in_words
from support.runs import Cli

PAGE = Path(__file__).parents[2] / "docs/getting-started.md"
FILES = ("cpuinfo", "madt")
HOST = HostIds((0, 1), "")


def rows_of(heading: str) -> list[list[str]]:
    """The cells of the table below the line *heading* of the page."""
    table = PAGE.read_text().split(heading)[1].split("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.split("\n")]


@pytest.mark.parametrize(
    "form",
    [form for form in (*FORMS, *OPTIONS) if not form.written.startswith(FILES)],
    ids=lambda form: form.written,
)
def test_each_example_is_a_guest(form: Form) -> None:
    """The two forms with a file are tested with files."""
    assert parse_guest(form.example, of_host=HOST).apic_ids


@pytest.mark.parametrize("family", FILES)
def test_a_form_with_a_file_reads_one(family: str, tmp_path: Path) -> None:
    """The file is missing, so that the form has been understood."""
    with pytest.raises(UsageError, match="missing"):
        parse_guest(f"{family}:{tmp_path}/missing")


def test_the_forms_are_those_of_the_parser() -> None:
    """Each word in front of a colon, and each option, that the parser knows is described."""
    words = {re.split("[:N]", form.written)[0] or "dense" for form in FORMS}
    options = {re.split("[:]", form.written)[0] for form in OPTIONS}

    assert words == {
        *("dense", "sockets", "sparse", "interleaved", "ids"),
        "host",
        *FILES,
    }
    assert options == {"+threads-last", "+offline", "+logical", "+vp", "+nox2apic", "+intremap"}


def test_help_and_errors_name_all_forms(cli: Cli) -> None:
    """Both print the same words."""
    words = " ".join(cli("run", "-h").out.split())
    error = " ".join(cli("run", "norov", "--guest", "rings:3").err.split())

    assert in_words() in words
    assert f"Use one of: {in_words()}." in error


def test_the_page_shows_all_forms() -> None:
    """Its tables have the examples and their meaning."""
    shown = {
        cells[0].replace("`80`, ", ""): cells[1] for cells in rows_of("| form | APIC IDs |")[2:]
    }
    options = {cells[0]: cells[1] for cells in rows_of("| option | meaning |")[2:]}

    assert shown == {f"`{form.example}`": form.meaning for form in FORMS[1:]}
    assert options == {f"`{form.example}`": form.meaning for form in OPTIONS}
