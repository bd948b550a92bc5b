"""The command line as a whole: help, versions, pipes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import NoReturn

import pytest

from pvbench.cli import show
from pvbench.cli.main import COMMANDS
from pvbench.results import files as result_files
from support.helpers import DEADLINE_S
from support.runs import Cli, buffered, command, console

RUN = (
    *("run", "norov", "--fast", "--vcpus", "2", "--sender", "native", "-k", "*.broadcast"),
    *("--driver", "x2apic-physical", "-o", "a.json"),
)
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
            "there is no option called '--json'. Did you mean '--version'? "
            "`pvbench --help` lists the options.",
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
        pytest.param(("list", "sender"), "kind is 'sender', not one of ", id="unknown-kind"),
        pytest.param(
            ("plugins", "nope"), "command is 'nope', and it can only be 'new'", id="one-choice"
        ),
        pytest.param(
            ("show", "--format", "html"), "--format is 'html', not one of ", id="format"
        ),
        pytest.param(("run", "norov", "-o"), "-o needs a value", id="no-value"),
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


PRINTING = [
    pytest.param(("list", "senders"), id="list"),
    pytest.param(("plugins",), id="plugins"),
    pytest.param(("doctor",), id="doctor"),
    pytest.param(("explain", "kvm-pv", "--targets", "1,2"), id="explain"),
    pytest.param(("show", "published:norov-2018"), id="show"),
    pytest.param(("compare", "published:norov-2018", "--by", "sender"), id="compare"),
    pytest.param(("run", "norov", "--dry-run"), id="dry-run"),
    pytest.param(("--help",), id="help"),
    pytest.param(("--version",), id="version"),
]


@pytest.mark.parametrize("arguments", PRINTING)
def test_a_closed_pipe_is_quiet(arguments: tuple[str, ...]) -> None:
    """``| head -1`` has seen enough: no traceback, no "Exception ignored"."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        output = console(*arguments, stdout=writing)
    finally:
        os.close(writing)

    assert (output.returncode, output.stderr) == (0, "")


def test_a_closed_pipe_leaves_the_exit_status() -> None:
    """A regression stays one when ``| head -1`` has seen enough."""
    folder = Path(__file__).parents[2] / "data/lossy"
    names = [str(folder / name) for name in ("good.json", "loses-12-of-141.json")]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        output = console("compare", *names, stdout=writing)
    finally:
        os.close(writing)

    assert output.returncode == 1


@pytest.mark.parametrize("arguments", PRINTING)
def test_a_full_disk_behind_standard_output_gives_one_sentence(
    arguments: tuple[str, ...],
) -> None:
    """The environment is at fault: exit status 5, no traceback."""
    with open("/dev/full", "w") as full:
        output = console(*arguments, stdout=full)

    assert "Traceback" not in output.stderr
    assert output.stderr.count("\n") == 1
    assert "No space left on device" in output.stderr
    assert output.returncode == 5


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
@pytest.mark.parametrize("arguments", [("list", "suites"), ("list", "nothing"), RUN])
def test_a_closed_standard_stream_is_not_an_error(
    tmp_path: Path, arguments: tuple[str, ...], closed: str
) -> None:
    """A cron job or a daemon may start a command without it; only its output is lost."""
    shell = ("sh", "-c", f'exec "$@" {closed}', "sh")
    output = subprocess.run(
        [*shell, *command(*arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=buffered(),
        timeout=DEADLINE_S,
    )

    assert output.returncode == (2 if "nothing" in arguments else 0)
    assert "Traceback" not in output.stderr
    assert (output.stdout == "") == ("1>&-" in closed or "nothing" in arguments)
    if arguments == RUN:
        assert len(result_files.read(str(tmp_path / "a.json"))) == 4


def test_a_full_disk_behind_standard_error_gives_no_traceback(tmp_path: Path) -> None:
    """The run is stored, its table is printed, and exit status 5 says that text was lost."""
    with open("/dev/full", "w") as full:
        output = subprocess.run(
            command("run", *RUN[1:]),
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
            cwd=tmp_path,
            env=buffered(),
            timeout=DEADLINE_S,
        )

    assert (output.returncode, "x2apic-physical" in output.stdout) == (5, True)
    assert len(result_files.read(str(tmp_path / "a.json"))) == 4


def test_a_character_that_the_terminal_lacks_is_printed_as_its_escape(tmp_path: Path) -> None:
    """``LC_ALL=C`` and a name that is not ASCII."""
    ascii_only = buffered() | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    output = console("show", "Gäste.json", cwd=tmp_path, env=ascii_only)

    assert (output.returncode, output.stderr.count("\n")) == (2, 1)
    assert output.stderr.startswith("pvbench: G")


BUG = "pvbench: this is a bug of pvbench or of a plugin, please report it: "


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


def test_head_shows_the_first_line() -> None:
    """A real pipe leads to a real ``head``."""
    writer = subprocess.Popen(
        command("list", "senders", "--format", "csv"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=buffered(),
    )
    head = subprocess.run(["head", "-1"], stdin=writer.stdout, capture_output=True, check=True)
    assert writer.stdout is not None
    writer.stdout.close()
    _, complaints = writer.communicate(timeout=DEADLINE_S)

    assert (head.stdout, complaints) == (b"name,summary,kind,overrides\n", b"")
