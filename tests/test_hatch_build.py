"""The man page and the completions of shells say what the parsers say."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import hatch_build
from pvbench.cli.main import COMMANDS
from support.helpers import DEADLINE_S

EVERY = (*COMMANDS, "lab")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all files that the hook writes."""
    folder = tmp_path_factory.mktemp("share")
    hatch_build.write(folder)
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    """The man page."""
    return (folder / hatch_build.MAN_PAGE).read_text()


def completed(folder: Path, *words: str) -> list[str]:
    """What bash offers in place of the last one of *words*."""
    script = folder / hatch_build.COMPLETIONS["bash"]
    last = len(words) - 1
    line = f'. "$0"; COMP_WORDS=("$@"); COMP_CWORD={last}; _shtab_pvbench pvbench "${{@: -1}}"'
    process = subprocess.run(
        ["bash", "-c", f'{line}; printf "%s\\n" "${{COMPREPLY[@]}}"', script, *words],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    return process.stdout.split()


@pytest.mark.parametrize("columns", [None, "200"])
def test_the_width_of_the_terminal_changes_no_file(
    columns: str | None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two builds of one revision are equal; no date and no folder is in them."""
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)

    places = hatch_build.write(tmp_path).values()

    assert [p for p in places if (tmp_path / p).read_text() != (folder / p).read_text()] == []
    assert os.environ.get("COLUMNS") == columns


def test_the_man_page_names_every_command_in_order(page: str) -> None:
    """A command of a bundled plugin is one of them."""
    sections = re.findall(r"^\.SS \\fBpvbench ([\w\\-]+)\\fR$", page, re.MULTILINE)

    assert sections == list(EVERY)


@pytest.mark.parametrize("option", [r"\-\-until {settled}", r"\-\-fail\-above"])
def test_the_man_page_has_the_options_of_the_commands(page: str, option: str) -> None:
    """They are escaped, so that a reader can copy their hyphens."""
    assert option in page


def test_the_man_page_lists_the_exit_statuses_line_by_line(page: str) -> None:
    """They are the table at the end of `pvbench --help`."""
    section = page[page.index(".SH EXIT STATUS") :]

    assert re.findall(r"^ *(\d+)  ", section, re.MULTILINE) == [*list("6521430"), "70"]
    assert ".nf\n" in section


def test_no_text_of_the_man_page_is_taken_for_a_request(page: str) -> None:
    """A help that mentions ./NAME.py may have it at the start of a line."""
    requests = set(re.findall(r"^[.'](\w*)", page, re.MULTILINE))

    assert requests <= {"TH", "SH", "SS", "TP", "RS", "RE", "B", "nf", "fi", "nh", "ad"}


def test_a_help_that_begins_with_a_dot_is_kept_as_text() -> None:
    """groff drops a line that begins with a dot and is no request."""
    command = argparse.ArgumentParser(prog="pvbench", epilog="exit status\n 0  done")
    command.add_argument("--format", help="./NAME.py is a file")

    assert "\n\\&./NAME.py is a file\n" in hatch_build.man_page(command)


def test_groff_accepts_the_man_page(folder: Path) -> None:
    """It prints no warning."""
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    groff = ["groff", "-man", "-Tutf8", "-ww", str(folder / hatch_build.MAN_PAGE)]
    process = subprocess.run(
        groff, capture_output=True, text=True, timeout=DEADLINE_S, check=True
    )

    assert process.stderr == ""
    assert "EXIT STATUS" in re.sub(r"\x1b\[[0-9;]*m|.\x08", "", process.stdout)


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        pytest.param(["do"], ["doctor"], id="command"),
        pytest.param(["la"], ["lab"], id="command-of-a-plugin"),
        pytest.param(["compare", "--fail"], ["--fail-above"], id="option"),
        pytest.param(["run", "norov", "--bits", ""], ["32", "64"], id="choice"),
        pytest.param(["lab", "bu"], ["build"], id="second-command"),
    ],
)
def test_bash_completes_words(folder: Path, words: list[str], offers: list[str]) -> None:
    """Commands, options and their choices are completed."""
    assert completed(folder, "pvbench", *words) == offers


def test_zsh_knows_every_command(folder: Path) -> None:
    """The file has the name and the first line by which zsh finds completions."""
    text = (folder / hatch_build.COMPLETIONS["zsh"]).read_text()

    assert text.startswith("#compdef pvbench\n")
    assert [name for name in EVERY if f"\n    {name}:'" not in text] == []
