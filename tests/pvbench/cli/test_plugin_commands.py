"""Sub-commands that plugins bring, by their entry points ``command-NAME``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench.cli import main as command_line
from support.runs import Cli

SOURCE = """
from pvbench.command import Command
from pvbench.errors import UsageError
from pvbench.hookspecs import hookimpl

pvbench_api = 1


def arguments(parser):
    parser.add_argument("status", type=int)


def execute(options):
    if options.status == 99:
        raise UsageError("99 is too many")
    print("hello")
    return options.status


@hookimpl
def pvbench_commands():
    return [Command(name="hello", summary="say hello", arguments=arguments, execute=execute)]
"""
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install the distribution "pvbench-acme" 1.2 with a command of this source."""
    monkeypatch.setenv("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", "")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("support.runs.ONLY_BUNDLED", ("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", ""))

    def write(source: str, name: str = "hello") -> None:
        info = tmp_path / "pvbench_acme-1.2.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Name: pvbench-acme\nVersion: 1.2\n")
        point = f"[pvbench]\ncommand-{name} = acme_command\n"
        (info / "entry_points.txt").write_text(point)
        (tmp_path / "acme_command.py").write_text(source)

    return write


def test_help_lists_a_command_by_its_entry_point_and_imports_nothing(
    cli: Cli, install: Install
) -> None:
    """A slow or broken plugin does not hold up the help."""
    install("raise RuntimeError('imported')")

    output = cli("--help")

    assert output.status == 0
    assert "\n    hello     from pvbench-acme 1.2\n" in output.out
    assert "acme_command" not in sys.modules


def test_help_reads_no_metadata_where_no_plugin_brings_a_command(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading all metadata would take a third of the time that help may take."""
    cli("--help")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr("pvbench.plugin.entry_points.bringing", lambda prefix: 1 // 0)

    assert cli("--help").status == 0


def test_a_command_runs_with_its_own_options_and_exit_status(
    cli: Cli, install: Install
) -> None:
    """It is used as a bundled command is."""
    install(SOURCE)

    output = cli("hello", "7")

    assert (output.status, output.out, output.err) == (7, "hello\n", "")


def test_the_help_of_a_command_begins_with_its_summary(cli: Cli, install: Install) -> None:
    """Only this help imports the plugin."""
    install(SOURCE)

    output = cli("hello", "--help")

    assert (output.status, output.out.splitlines()[2]) == (0, "say hello")
    assert output.out.startswith("usage: pvbench hello ")


def test_an_error_that_the_user_can_correct_is_one_sentence(cli: Cli, install: Install) -> None:
    """A PvbenchError of a plugin is treated as one of pvbench."""
    install(SOURCE)

    output = cli("hello", "99")

    assert (output.status, output.err) == (2, "pvbench: 99 is too many\n")


def test_other_commands_do_not_import_it(cli: Cli, install: Install) -> None:
    """It is in the list of plugins, where its import is tried and its error shown."""
    install("raise RuntimeError('imported')")

    assert (cli("list", "senders").status, "acme_command" in sys.modules) == (0, False)
    plugins = cli("plugins", "--csv")
    assert plugins.status == 5
    assert (
        "command-hello,pvbench-acme,1.2,broken,none: its import raises RuntimeError: imported"
        in plugins.out
    )


def test_commands_of_plugins_are_listed_with_their_summaries(
    cli: Cli, install: Install
) -> None:
    """As every kind of things is."""
    install(SOURCE)

    output = cli("list", "commands", "--csv", "-p", "no:command-lab")

    assert output.out.splitlines() == ["name,summary", "hello,say hello"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        pytest.param(
            "import there_is_none",
            "its import raises ModuleNotFoundError: No module ",
            id="broken",
        ),
        pytest.param(
            SOURCE.replace('name="hello"', 'name="goodbye"'),
            "the plugin offers command goodbye",
            id="another-name",
        ),
        pytest.param(
            SOURCE.replace("return [Command", "return () and [Command"),
            "the plugin offers nothing",
            id="nothing",
        ),
        pytest.param(
            SOURCE.replace("execute=execute", "execute=None"),
            "hook pvbench_commands raises NotCallableError: 'execute' must be callable",
            id="not-callable",
        ),
    ],
)
def test_a_command_that_cannot_be_used_names_its_plugin(
    cli: Cli, install: Install, source: str, why: str
) -> None:
    """The exit status is 5: the environment has a broken plugin."""
    install(source)

    output = cli("hello", "0")

    assert output.status == 5
    assert output.err.startswith(
        "pvbench: command hello of plugin command-hello (pvbench-acme 1.2) cannot be used: "
        f"{why}"
    )


def test_options_that_cannot_be_added_are_the_fault_of_the_plugin(
    cli: Cli, install: Install
) -> None:
    """Exit status 5, one sentence, whatever it raises."""
    install(SOURCE.replace('parser.add_argument("status", type=int)', "raise SystemExit(0)"))

    output = cli("hello", "0")

    assert (output.status, output.err) == (
        5,
        "pvbench: command hello raises SystemExit: 0\n",
    )


def test_a_command_that_exits_by_itself_is_a_bug(cli: Cli, install: Install) -> None:
    """Its exit status is what `execute` returns, so a stray exit is never taken for success."""
    install(SOURCE.replace("return options.status", "raise SystemExit(0)"))

    output = cli("hello", "0")

    assert (output.status, output.out) == (70, "hello\n")
    assert "SystemExit: 0" in output.err


def test_the_traceback_of_a_bug_has_no_terminal_escapes(cli: Cli, install: Install) -> None:
    """The text of an exception can come from a plugin or a file."""
    install(SOURCE.replace("return options.status", r"raise RuntimeError('\x1b[2J')"))

    output = cli("hello", "0")

    assert (output.status, "\x1b" in output.err) == (70, False)
    assert "RuntimeError: \\x1b[2J" in output.err


def test_a_file_that_the_system_refuses_is_named(cli: Cli, install: Install) -> None:
    """It is not taken for standard output."""
    install(SOURCE.replace("return options.status", "open('no/a.json')"))

    output = cli("hello", "0")

    assert output.status == 5
    assert output.err == "pvbench: 'no/a.json' cannot be used: No such file or directory\n"


def test_a_bundled_command_keeps_its_name(cli: Cli, install: Install) -> None:
    """A plugin cannot replace ``list``."""
    install("raise RuntimeError('imported')", name="list")

    assert cli("list", "sites").status == 0
    assert cli("--help").out.count("\n    list ") == 1


def test_a_mistyped_command_of_a_plugin_is_suggested(cli: Cli, install: Install) -> None:
    """The message gives the nearest name of all plugins."""
    install(SOURCE)

    assert "Did you mean 'hello'?" in cli("helo").err


def test_no_command_of_others_is_used_when_autoload_is_off(
    cli: Cli, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kill switch holds for commands too."""
    install(SOURCE)
    monkeypatch.setattr("support.runs.ONLY_BUNDLED", ("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", "1"))

    assert cli("hello", "0").status == 2
    assert "hello" not in cli("--help").out


def test_every_bundled_command_has_a_parser() -> None:
    """The help of all of them is made of their modules."""
    _, bundled = command_line._parser("run")

    assert tuple(bundled) == command_line.COMMANDS


TABLE = """
from pvbench import Command, Document, Output, hookimpl, output_options, table_of_records

pvbench_api = 1


def execute(options):
    rows = [{"name": "a", "amount": 1_234_567_890_123}]
    return Output(Document([table_of_records(rows, roles={})]), 3)


@hookimpl
def pvbench_commands():
    return [Command(name="hello", summary="-", arguments=ARGUMENTS, execute=execute)]
"""


@pytest.mark.parametrize(
    ("option", "printed"),
    [
        pytest.param((), "name  amount\n----  -------------\na     1234567890123\n", id="text"),
        pytest.param(("--csv",), "name,amount\na,1234567890123\n", id="csv"),
        pytest.param(
            ("--json",),
            '[\n  {\n    "name": "a",\n    "amount": 1234567890123\n  }\n]\n',
            id="json",
        ),
    ],
)
def test_the_document_of_a_command_is_printed_in_the_format_that_is_chosen(
    cli: Cli, install: Install, option: tuple[str, ...], printed: str
) -> None:
    """Its exit status is beside it."""
    install(TABLE.replace("ARGUMENTS", "output_options"))

    output = cli("hello", *option)

    assert (output.status, output.out, output.err) == (3, printed, "")


def test_a_command_without_options_for_the_format_prints_text(
    cli: Cli, install: Install
) -> None:
    """Nothing but its own options is added to it."""
    install(TABLE.replace("ARGUMENTS", "lambda parser: None"))

    assert cli("hello").out.startswith("name  amount\n")
