"""The command line as a whole: help, versions, bad usage."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from pvbench.cli.main import COMMANDS
from support.runs import Cli

HEAVY = ("attrs", "numpy", "pluggy", "pyperf", "rich", "tabulate", "pvbench_deliver_model")
LOADED_AFTER = """
import sys
from pvbench.cli.main import main
try:
    main({arguments!r})
except SystemExit:
    pass
print(*sys.modules, file=sys.stderr)
"""


def loaded_after(*arguments: str) -> set[str]:
    """The modules a command has imported when it is over."""
    output = subprocess.run(
        [sys.executable, "-c", LOADED_AFTER.format(arguments=arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(output.stderr.splitlines()[-1].split())


def test_help_names_every_command_and_every_exit_status(cli: Cli) -> None:
    """The first thing a user sees."""
    output = cli("--help")

    assert output.status == 0
    assert [name for name in COMMANDS if f"\n    {name} " not in output.out] == []
    table = output.out.split("exit status")[1].splitlines()[1:]
    assert {int(line.split()[0]) for line in table} == {*range(7), 70}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(cli: Cli, name: str) -> None:
    """It says what the command is for, before its options."""
    output = cli(name, "--help")

    assert (output.status, output.err) == (0, "")
    assert f"usage: pvbench {name}" in output.out


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--help",), id="help"),
        pytest.param(("run", "--help"), id="help-of-run"),
        pytest.param(("--version",), id="version"),
    ],
)
def test_help_loads_no_plugin_and_nothing_heavy(arguments: tuple[str, ...]) -> None:
    """It answers in under 0.15 s, also where a plugin is slow or broken."""
    loaded = loaded_after(*arguments)

    assert "pvbench.cli.main" in loaded
    assert [name for name in loaded if name in HEAVY or name.startswith("pvbench_")] == []


@pytest.mark.parametrize(("given", "threads"), [(None, "1"), ("4", "4")])
def test_numpy_starts_no_threads_unless_the_user_asks_for_them(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, given: str | None, threads: str
) -> None:
    """Workers inherit it; a thread for each CPU costs every process its start."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", given or "")
    if given is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    cli("--version")

    assert os.environ["OPENBLAS_NUM_THREADS"] == threads


def test_version_is_one_line(cli: Cli) -> None:
    """Scripts read its name and version."""
    assert re.fullmatch(r"pvbench \d+\.\d+\.\d+\n", cli("--version").out)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(
            ("run", "norov", "--sendr", "x"),
            "there is no option called '--sendr'. Did you mean '--sender'? "
            "`pvbench run --help` lists the options.",
            id="misspelt",
        ),
        pytest.param(
            ("run", "norov", "--boot=3"),
            "there is no option called '--boot'. Did you mean '--boots'? "
            "`pvbench run --help` lists the options.",
            id="with-its-value",
        ),
        pytest.param(
            ("explain", "kvm-pv", "--targts", "1"),
            "there is no option called '--targts'. Did you mean '--targets'? "
            "`pvbench explain --help` lists the options.",
            id="required",
        ),
        pytest.param(
            ("plugins", "new", "mine", "--int", "x"),
            "there is no option called '--int'. Did you mean '--into'? "
            "`pvbench plugins --help` lists the options.",
            id="of-a-command-below",
        ),
        pytest.param(
            ("--verison",),
            "there is no option called '--verison'. Did you mean '--version'? "
            "`pvbench --help` lists the options.",
            id="without-a-command",
        ),
        pytest.param(
            ("--json", "run"),
            "there is no option called '--json'. `pvbench --help` lists the options.",
            id="of-a-command-in-front-of-it",
        ),
        pytest.param(
            ("-x",),
            "there is no option called '-x'. `pvbench --help` lists the options.",
            id="short-without-a-command",
        ),
        pytest.param(
            ("doctor", "-z"),
            "there is no option called '-z'. `pvbench doctor --help` lists the options.",
            id="short",
        ),
        pytest.param(
            ("doctor", "now"),
            "pvbench doctor takes no argument 'now'. "
            "`pvbench doctor --help` lists the options.",
            id="argument",
        ),
        pytest.param(
            ("doctor", "--", "--sit"),
            "pvbench doctor takes no argument '--sit'. "
            "`pvbench doctor --help` lists the options.",
            id="after-two-dashes",
        ),
    ],
)
def test_an_option_that_a_command_lacks_is_one_sentence_with_the_nearest_option(
    cli: Cli, arguments: tuple[str, ...], sentence: str
) -> None:
    """The exit status is 2; the sentence names the help of the command, without the usage."""
    output = cli(*arguments)

    assert (output.status, output.out, output.err) == (2, "", f"pvbench: {sentence}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("run",), "no suite is given", id="no-suite"),
        pytest.param(("plugins", "new"), "no NAME is given", id="below-a-command"),
        pytest.param(
            ("run", "norov", "--fast", "--rigorous"),
            "--rigorous and --fast exclude each other",
            id="two-paces",
        ),
        pytest.param(
            ("run", "norov", "--guest", "8", "--vcpus", "8"),
            "--vcpus and --guest exclude each other",
            id="guests",
        ),
        pytest.param(
            ("compare", "--by", "sender", "--beside"),
            "--beside and --by exclude each other",
            id="two-comparisons",
        ),
        pytest.param(("list", "sender"), "KIND is 'sender', not one of ", id="unknown-kind"),
        pytest.param(
            ("plugins", "nope"), "command is 'nope', and it can only be 'new'", id="one-choice"
        ),
        pytest.param(("run", "norov", "-o"), "-o needs a value", id="no-value"),
        pytest.param(("verify", "--judge"), "--judge needs a value", id="no-value-of-several"),
        pytest.param(
            ("doctor", "--site=--"), "--site cannot have the value '--'", id="dashes-as-a-value"
        ),
        pytest.param(
            ("run", "norov", "-o--"),
            "-o cannot have the value '--'",
            id="dashes-after-a-letter",
        ),
        pytest.param(
            ("run", "norov", "--json=a:b"),
            "--json takes no value, but 'a:b' is given",
            id="a-value",
        ),
        pytest.param(
            ("run", "norov", "--cpu-list", "1-"),
            "--cpu-list: '1-' is not a list of CPUs: write 0-3,7",
            id="of-a-type",
        ),
    ],
)
def test_bad_usage_ends_with_2_and_the_reason(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    """One sentence, without the usage, which would bury it."""
    output = cli(*arguments)

    assert (output.status, output.out, output.err.count("\n")) == (2, "", 1)
    assert output.err.startswith(f"pvbench: {message}")
    assert output.err.endswith(" --help` lists the options.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("compare", "--margin", "-1%"),
            "--margin -1 is not in 0..100 percent",
            id="negative",
        ),
        pytest.param(
            ("show", ""),
            "the name of a result file is empty. Give a file, or no name.",
            id="file",
        ),
        pytest.param(
            ("run", "norov", "-o", ""),
            "-o '' names no file. Give a name such as out.json.",
            id="output",
        ),
    ],
)
def test_an_empty_name_or_a_negative_percentage_is_refused_as_such(
    cli: Cli, arguments: tuple[str, ...], message: str
) -> None:
    """It is neither a folder nor an option."""
    output = cli(*arguments)

    assert (output.status, output.err) == (2, f"pvbench: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param((), "no command is given.", id="nothing"),
        pytest.param(
            ("lst", "senders"),
            "there is no command called 'lst'. Did you mean 'list'?",
            id="slip",
        ),
        pytest.param(("xyzzy",), "there is no command called 'xyzzy'.", id="nothing-near"),
    ],
)
def test_a_missing_command_is_one_sentence_with_the_nearest_name(
    cli: Cli, arguments: tuple[str, ...], sentence: str
) -> None:
    """The usage is not printed, because it would hide the sentence."""
    output = cli(*arguments)

    assert (output.status, output.out) == (2, "")
    assert output.err == f"pvbench: {sentence} `pvbench --help` lists the commands.\n"
