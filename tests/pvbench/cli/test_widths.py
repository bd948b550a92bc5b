"""Output fits the width of the terminal, and no text is lost."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import sys
import termios
from pathlib import Path

import pytest

from pvbench.cli import common
from pvbench.cli.main import COMMANDS as NAMES
from pvbench.cli.parsers import Parser
from support.runs import Cli, buffered, console

SENDER_FROM_ELSEWHERE = """
from pvbench.hookspecs import hookimpl
from pvbench.sender import Sender

pvbench_api = 1

class Mine(Sender):
    name = "mine"
    summary = "from the café"
    mechanism = "hypercall"

@hookimpl
def pvbench_senders():
    return [Mine()]
"""
WIDTHS = (72, 100, 200)
COMMANDS = {
    "list-senders": ("list", "senders"),
    "list-workloads": ("list", "workloads"),
    "list-suites": ("list", "suites"),
    "plugins": ("plugins",),
    "doctor": ("doctor", "-p", "no:deliver-kvm"),
    "show": ("show", "{file}", "--series", "send"),
    "show-published": ("show", "published:norov-2018"),
    "compare": ("compare", "{file}", "--by", "sender", "--baseline", "x2apic-cluster"),
    "report": ("report", "{file}", "--baseline", "x2apic-cluster"),
    "report-published": ("report", "published:lab-6.1", "published:lab-6.12"),
    "compare-beside": ("compare", "--beside", "published:norov-2018", "{file}"),
    "dry-run": ("run", "norov", "--dry-run", "--vcpus", "2,300"),
    "explain": ("explain", "kvm-pv/x2apic-cluster", "--targets", "0,2,4,6,8,10-90,200"),
}


def words(printed: str) -> set[str]:
    """The words of a document, whatever its form, without rules, marks and hyphens."""
    escaped = re.sub(r"\\(?=[!-/:-@\[-`{-~\n])", "", printed).replace("&lt;", "<")
    plain = re.sub(r"###|[|]|-+|[\[\]`]", " ", escaped)
    return {word.strip(",.:; ") for word in plain.split()} - {""}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_line_is_wider_and_each_word_of_the_document_is_there(
    cli: Cli, overlay_file: Path, monkeypatch: pytest.MonkeyPatch, command: str, width: int
) -> None:
    """Markdown has every cell, note and heading, and no width."""
    monkeypatch.chdir(overlay_file.parent)  # a long path would be broken
    arguments = [word.format(file=overlay_file.name) for word in COMMANDS[command]]
    monkeypatch.setattr(common, "width", lambda: width)
    text = cli(*arguments).out
    markdown = cli(*arguments, "--format", "markdown").out

    assert max(map(len, text.splitlines())) <= width
    assert sorted(words(markdown) - words(text)) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", [(), *((name,) for name in NAMES), ("plugins", "new")])
def test_no_line_of_help_is_wider(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], width: int
) -> None:
    """The usage lines too, which are also printed above an error."""
    monkeypatch.setattr(common, "width", lambda: width)
    printed = cli(*command, "--help").out

    assert printed.startswith("usage: pvbench ")
    assert [line for line in printed.splitlines() if len(line) > width] == []


def test_a_line_of_help_that_is_wrapped_keeps_its_indentation(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of exit statuses stays a table."""
    monkeypatch.setattr(common, "width", lambda: 60)

    assert (
        "\n  5  something is missing: a plugin, a device, a disk or a\n     permission\n"
        in cli("--help").out
    )


def test_a_paragraph_of_help_is_filled_and_an_indented_line_is_not() -> None:
    """The width of the source does not show in the help."""
    parser = Parser(prog="p", description="One\ntwo.\n\nThree:\n  four\n  five\n")

    assert "\n\nOne two.\n\nThree:\n  four\n  five\n\n" in parser.format_help()


@pytest.mark.parametrize("width", range(40, 100, 7))
def test_help_keeps_a_number_and_its_unit_on_one_line(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """The help is wrapped by argparse, not by a renderer."""
    monkeypatch.setattr(common, "width", lambda: width)
    words = "a limit of 600 s, or of 20 %, " * 5
    parser = Parser(prog="p", description=words)
    parser.add_argument("--limit", help=words.replace("%", "%%"))

    printed = parser.format_help()
    assert [line for line in printed.splitlines() if line.endswith(("600", "20"))] == []
    assert printed.count("600 s,") == 10


def test_no_line_that_plugins_new_prints_is_wider_than_a_pipe(cli: Cli) -> None:
    """A command that is longer continues after a backslash."""
    printed = cli("plugins", "new", "pv-mine-with-a-name").out

    assert [line for line in printed.splitlines() if len(line) > 72] == []


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param(None, 72, id="a-pipe"),
        pytest.param("", 72, id="a-variable-that-is-empty"),
        pytest.param("wide", 72, id="a-variable-that-is-no-number"),
        pytest.param("100", 100, id="a-variable"),
    ],
)
def test_a_pipe_is_72_columns_wide_unless_columns_overrides_it(
    monkeypatch: pytest.MonkeyPatch, columns: str | None, expected: int
) -> None:
    """A terminal would tell its own width."""
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)

    assert common.width() == expected


def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of standard output, whose other end is a terminal here."""
    controller, terminal = os.openpty()
    with os.fdopen(terminal, "w") as screen:
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("4H", 24, 131, 0, 0))
        monkeypatch.delenv("COLUMNS", raising=False)
        monkeypatch.setattr(sys, "stdout", screen)
        monkeypatch.setattr(sys, "__stdout__", screen)

        assert common.width() == 131
    os.close(controller)


def test_characters_that_the_encoding_lacks_are_escaped(cli: Cli) -> None:
    """A plugin's summary may hold any character, and not every terminal has it."""
    environment = buffered() | {"PYTHONIOENCODING": "ascii"}
    Path("names.py").write_text(SENDER_FROM_ELSEWHERE)
    output = console("list", "senders", "-p", "./names.py", "--csv", env=environment)

    assert (output.returncode, output.stderr) == (0, "")
    assert "caf\\xe9" in output.stdout
