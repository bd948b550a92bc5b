"""``[tool.pvbench]`` that cannot be used: a sentence that names it, exit status 2."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pvbench.cli.main import COMMANDS
from pvbench.host import files as host_files
from support.runs import Cli

PLAN = ("run", "norov", "--dry-run", "-k", "normal", "--sender", "native")


def refused(cli: Cli, content: str | bytes) -> str:
    """The one sentence a command is refused with."""
    path = Path("pyproject.toml")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    output = cli(*PLAN)

    assert (output.status, output.out, output.err.count("\n")) == (2, "", 1)
    return output.err.removeprefix("pvbench: ").rstrip()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param("gest = 4", "'gest'. Did you mean 'guest'?", id="slip"),
        pytest.param(
            "host_cpus = 4", "'host_cpus'. Did you mean 'host-cpus'?", id="underscore"
        ),
        pytest.param('plugin = "x"', "'plugin'. Did you mean 'plugins'?", id="plugin"),
        pytest.param("exit = 'bisect'", "no option called 'exit'", id="exit"),
        pytest.param("help = true", "no option called 'help'", id="help"),
        pytest.param("xyzzy = 1", "no option called 'xyzzy'. It is in", id="nothing-near"),
        pytest.param("o = 'a.json'", "no option called 'o'", id="short-option"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(cli: Cli, table: str, message: str) -> None:
    """The message names the file, which may be in a folder far above."""
    sentence = refused(cli, f"[tool.pvbench]\n{table}\n")

    assert message in sentence
    assert sentence.endswith(f"It is in [tool.pvbench] of {Path.cwd() / 'pyproject.toml'}.")


def test_a_key_of_no_command_is_refused_by_every_command(cli: Cli) -> None:
    """A slip would otherwise show in one command only."""
    Path("pyproject.toml").write_text("[tool.pvbench]\ngest = 4\n")

    assert {cli(command).status for command in COMMANDS} == {2}


FLAG, VALUE = "it is true or false", "it takes text or a number"


@pytest.mark.parametrize(
    ("table", "value", "why"),
    [
        pytest.param('fast = "yes"', "'yes'", FLAG, id="flag-as-text"),
        pytest.param("fast = 1", "1", FLAG, id="flag-as-one"),
        pytest.param("fast = 0", "0", FLAG, id="flag-as-zero"),
        pytest.param("fast = [true]", "[True]", FLAG, id="flag-in-a-list"),
        pytest.param("fast = {}", "{}", FLAG, id="flag-as-a-table"),
        pytest.param("label = true", "True", VALUE, id="text-as-flag"),
        pytest.param("label = 2026-01-01", "datetime.date(2026, 1, 1)", VALUE, id="date"),
        pytest.param("guest = {a = 1}", "{'a': 1}", VALUE, id="table"),
        pytest.param("guest = [[4]]", "[4]", VALUE, id="list-in-a-list"),
        pytest.param(
            "linux = 6.10",
            "6.1",
            "it takes text, as a number loses zeros at its end",
            id="version-as-number",
        ),
        pytest.param("vcpus = [true]", "True", VALUE, id="flag-in-a-list-of-names"),
        pytest.param("seed = [1, 2]", "[1, 2]", "it takes one value", id="several-for-one"),
        pytest.param("seed = []", "[]", "it takes one value", id="none-for-one"),
        pytest.param(
            "margins = 5", "5", "it is a table of cases and percentages", id="margins-number"
        ),
        pytest.param("margins = {a = []}", "[]", VALUE, id="margin-as-list"),
        pytest.param("plugins = 3", "3", "it is a list of names and files", id="plugin-number"),
        pytest.param(
            "plugins = [['x']]", "['x']", "it is a list of names and files", id="plugin-list"
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(
    cli: Cli, table: str, value: str, why: str
) -> None:
    """There is no traceback, and the value is not taken for another one."""
    name = table.split(maxsplit=1)[0]

    assert (
        refused(cli, f"[tool.pvbench]\n{table}\n") == f"[tool.pvbench] {name} is {value}: {why}"
    )


@pytest.mark.parametrize(
    ("table", "message", "given"),
    [
        pytest.param(
            "boots = 2.5\nseed = 3",
            "--boots takes a number, not '2.5'",
            "--boots=2.5",
            id="number",
        ),
        pytest.param(
            'execution = "x"', "--execution is 'x', not one of ", "--execution=x", id="choice"
        ),
        pytest.param(
            "fast = true\nrigorous = true",
            "--rigorous and --fast exclude each other",
            "--fast --rigorous",
            id="excluded",
        ),
        pytest.param(
            'guest = "4"\nvcpus = 4',
            "--vcpus and --guest exclude each other",
            "--guest=4 --vcpus=4",
            id="guests",
        ),
        pytest.param(
            "sender = []", "--sender: give at least one name", "--sender=", id="no-names"
        ),
    ],
)
def test_a_default_that_the_parser_refuses_is_an_error(
    cli: Cli, table: str, message: str, given: str
) -> None:
    """The sentence ends with what the table gives: the user did not type it."""
    Path("pyproject.toml").write_text(f"[tool.pvbench]\n{table}\n")
    output = cli("run", "norov", "--dry-run", "-k", "normal")

    assert (output.status, output.out) == (2, "")
    refusal, origin = output.err.split(" [tool.pvbench] in pyproject.toml gives ")
    assert refusal.startswith(f"pvbench: {message}")
    assert origin == f"{given}.\n"


def test_an_error_of_the_command_line_does_not_mention_the_table(cli: Cli) -> None:
    """Its defaults play no part in it."""
    Path("pyproject.toml").write_text("[tool.pvbench]\nseed = 3\n")
    output = cli("run", "norov", "--boots", "x")

    assert output.err == (
        "pvbench: --boots takes a number, not 'x'. `pvbench run --help` lists the options.\n"
    )


def test_an_invalid_time_is_refused(cli: Cli) -> None:
    """TOML has a nan."""
    assert refused(cli, "[tool.pvbench]\ntimeout = nan\n").startswith("--timeout nan is not")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param("[tool.pvbench\n", "Expected ']'", id="no-toml"),
        pytest.param("[tool.pvbench]\nseed = 1\nseed = 2\n", "Cannot overwrite", id="twice"),
        pytest.param(b"[tool.pvbench]\nlabel = '\xe9'\n", "'utf-8' codec can't", id="latin-1"),
        pytest.param(b"\x00\x01", "", id="binary"),
        pytest.param("a = " + "[" * 20_000, "nested more than 50 times", id="endless-depth"),
        pytest.param("a = [" * 60 + "1" + "]" * 60, "Invalid value", id="no-toml-that-is-deep"),
        pytest.param("a = " + "[" * 60 + "]" * 60, "nested more than 50 times", id="deep"),
        pytest.param("a = " + "9" * 5000, "Exceeds the limit (4300 digits)", id="digits"),
        pytest.param(" " * (1 << 20) + "\n", "it has more than 1048576 bytes", id="large"),
    ],
)
def test_a_malformed_toml_file_is_named(cli: Cli, content: str | bytes, why: str) -> None:
    """One cannot know whether it holds a table of ours."""
    sentence = refused(cli, content)

    assert sentence.startswith(f"{Path.cwd() / 'pyproject.toml'} cannot be read: ")
    assert why in sentence


@pytest.mark.parametrize("content", ["tool = 3\n", "[tool]\npvbench = 3\n", "[tool]\n", ""])
def test_a_value_that_is_not_a_table_is_refused(cli: Cli, content: str) -> None:
    """``tool`` belongs to others; ``tool.pvbench`` is a table or is refused."""
    if "pvbench" in content:
        assert "[tool.pvbench] in " in refused(cli, content)
    else:
        Path("pyproject.toml").write_text(content)
        assert cli(*PLAN).status == 0


def test_a_file_that_may_not_be_read_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the reason without its number."""

    def forbidden(path: Path) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    Path("pyproject.toml").touch()
    monkeypatch.setattr(host_files, "open_regular", forbidden)
    output = cli(*PLAN)

    assert (output.status, output.err.count("\n")) == (2, 1)
    assert "pyproject.toml cannot be read: Permission denied" in output.err


def test_a_directory_of_that_name_is_passed_over(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search goes on above it."""
    Path("pyproject.toml").write_text("[tool.pvbench]\ngest = 4\n")
    Path("below/pyproject.toml").mkdir(parents=True)
    monkeypatch.chdir("below")

    assert "'gest'" in cli(*PLAN).err


LOADED = """
import sys
from pvbench.cli.main import main
try:
    main({arguments!r})
except SystemExit:
    pass
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [("--help",), ("run", "--help"), ("run", "norov", "-h"), ("--version",)]
)
def test_help_does_not_look_at_the_table(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """The table may be broken, and a user asks for help when something is wrong."""
    (tmp_path / "pyproject.toml").write_text("[tool.pvbench\n")
    output = subprocess.run(
        [sys.executable, "-c", LOADED.format(arguments=arguments)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert output.stdout.startswith(("usage: pvbench", "pvbench "))
    assert {"tomllib", "attrs", "pluggy"} & set(output.stderr.split()) == set()
