"""How a bug, a warning or a long message ends a command."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from pvbench.cli import show
from support.runs import Cli

SIGNALS = (signal.SIGINT, signal.SIGTERM)
BUG = "pvbench: this is a bug of pvbench or of a plugin, please report it: "


@pytest.fixture
def handlers() -> Iterator[list[object]]:
    """The handlers of a process that Python has started."""
    before = [signal.getsignal(number) for number in SIGNALS]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield [signal.default_int_handler, signal.SIG_DFL]
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_any_command_with_a_sentence(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, handlers: list[object], number: int
) -> None:
    """Every context is left, and the caller's handlers are as before."""
    left: list[str] = []

    def execute(_: object) -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            left.append("a context")

    monkeypatch.setattr(show, "execute", execute)
    output = cli("show")

    assert (output.status, left) == (128 + number, ["a context"])
    assert output.err == f"pvbench: ended early by signal {number:d}\n"
    assert [signal.getsignal(number) for number in SIGNALS] == handlers


def test_sigterm_that_is_ignored_stays_ignored(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, handlers: list[object]
) -> None:
    """The parent has decided so."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def execute(_: object) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    monkeypatch.setattr(show, "execute", execute)

    assert cli("show").status == 0


def test_a_bug_ends_with_70_and_one_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own status for a traceback is 1, which would be a regression."""
    monkeypatch.setattr(show, "execute", lambda _: 1 // 0)
    output = cli("show")

    assert (output.status, output.out) == (70, "")
    assert output.err == (
        f"{BUG}ZeroDivisionError: integer division or modulo by zero. "
        "With -v the same command prints the traceback.\n"
    )


@pytest.mark.parametrize("arguments", [("show", "-v"), ("-v", "show")])
def test_the_traceback_of_a_bug_is_printed_on_demand(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """The option stands before or after the name of the command."""

    def execute(_: object) -> NoReturn:
        raise RuntimeError("\x1b[31m")

    monkeypatch.setattr(show, "execute", execute)
    output = cli(*arguments)
    first, second, *_, last = output.err.splitlines()

    assert (output.status, output.out) == (70, "")
    assert first == f"{BUG}RuntimeError: \\x1b[31m"
    assert (second, last) == (
        "Traceback (most recent call last):",
        "RuntimeError: \\x1b[31m",
    )


def test_a_warning_of_python_about_a_plugin_is_one_sentence(cli: Cli) -> None:
    """Its text comes from the file of the plugin, and may have any character."""
    source = "import warnings\nwarnings.warn('\\x1b[2J\\n', stacklevel=1)\npvbench_api = 1\n"
    Path("mine.py").write_text(source + "assert (1, 'x')\n")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        output = cli("list", "sites", "-p", "./mine.py")
    compiled, warned, *_ = output.err.splitlines()
    file = f"pvbench: {Path.cwd()}/mine.py"

    assert output.status == 0
    assert compiled.startswith(f"{file}, line 4, gives a SyntaxWarning: ")
    assert warned == f"{file}, line 2, gives a UserWarning: \\x1b[2J"


def test_a_very_long_message_is_shortened(cli: Cli) -> None:
    """A name from the command line can have a hundred kilobytes."""
    output = cli("show", f"published:{'x' * 100_000}")

    assert (output.status, len(output.err)) == (2, len("pvbench: \n") + 4_000)
    names = output.err.rpartition(". Published: ")[2]
    assert "norov-2018" in names.removesuffix(".\n").split(", ")
