"""Defaults in ``[tool.pvbench]``: as if written before what the user types."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench.cli import main as command_line
from pvbench.cli.defaults import with_defaults
from support.plugin_sources import overlay
from support.runs import AddPlugin, Cli, file_of, row_of

Typed = Callable[..., list[str]]
PARSERS = command_line._parser("run")[1]
IN_ORDER = "return (WrMsr(0x830, apic.id(cpu) << 32 | vector) for cpu in cpus)"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Typed:
    """The arguments that a table inserts into a command line."""
    monkeypatch.chdir(tmp_path)

    def words_with_defaults(table: str, *typed_words: str) -> list[str]:
        Path("pyproject.toml").write_text(f"[tool.pvbench]\n{table}\n")
        name, *arguments = with_defaults(typed_words, PARSERS)
        assert name == typed_words[0]
        rest = list(typed_words[1:])
        assert arguments[len(arguments) - len(rest) :] == rest
        return arguments[: len(arguments) - len(rest)]

    return words_with_defaults


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param('costs = "epyc-rome-avic"', ["--costs=epyc-rome-avic"], id="text"),
        pytest.param("boots = 3", ["--boots=3"], id="number"),
        pytest.param("timeout = 2.5", ["--timeout=2.5"], id="fraction"),
        pytest.param('seed = "7"', ["--seed=7"], id="number-as-text"),
        pytest.param("fast = true", ["--fast"], id="flag"),
        pytest.param("fast = false", [], id="flag-off"),
        pytest.param('linux = "6.10"', ["--linux=6.10"], id="a-version"),
        pytest.param(
            'guest = ["dense:4", "ids:0,2"]',
            ["--guest=dense:4", "--guest=ids:0,2"],
            id="repeated",
        ),
        pytest.param('guest = "dense:4"', ["--guest=dense:4"], id="repeated-once"),
        pytest.param("guest = []", [], id="repeated-never"),
        pytest.param('sender = ["native", "kvm-pv"]', ["--sender=native,kvm-pv"], id="list"),
        pytest.param('sender = "native,kvm-pv"', ["--sender=native,kvm-pv"], id="comma-list"),
        pytest.param("vcpus = [2, 4]", ["--vcpus=2,4"], id="list-of-numbers"),
        pytest.param("vcpus = 2", ["--vcpus=2"], id="list-of-one"),
        pytest.param(
            'plugins = ["one", "no:two"]', ["-p", "one", "-p", "no:two"], id="plugins"
        ),
        pytest.param('plugins = "one"', ["-p", "one"], id="one-plugin"),
        pytest.param("strict-plugins = true", ["--strict-plugins"], id="strict"),
        pytest.param('label = "-x"', ["--label=-x"], id="text-like-an-option"),
        pytest.param('by = "sender"', [], id="of-another-command"),
        pytest.param('margins = {"a" = 5}', [], id="margins-of-another-command"),
        pytest.param("", [], id="empty"),
    ],
)
def test_each_kind_of_option_is_written_as_one_types_it(
    typed: Typed, table: str, expected: list[str]
) -> None:
    """TOML's lists, numbers and booleans become arguments."""
    assert typed(table, "run", "norov") == expected


@pytest.mark.parametrize(
    ("table", "typed_words", "expected"),
    [
        pytest.param(
            'margin = "3%"\nmargins = {"*1024w*" = 5, "a = b" = "7%"}',
            (),
            ["--margin=3%", "--margin=*1024w*=5", "--margin=a = b=7%"],
            id="in-the-order-of-the-table",
        ),
        pytest.param('margins = {"a" = 5}', ("--margin", "1"), [], id="overridden"),
    ],
)
def test_margins_of_cases_are_written_as_margins(
    typed: Typed, table: str, typed_words: tuple[str, ...], expected: list[str]
) -> None:
    """The last equals sign separates the cases from the margin."""
    assert typed(table, "compare", *typed_words) == expected


@pytest.mark.parametrize(
    ("table", "typed_words"),
    [
        pytest.param("seed = 1", ("--seed", "2"), id="same"),
        pytest.param("seed = 1", ("--seed=2",), id="same-in-one-word"),
        pytest.param('guest = ["dense:4"]', ("--guest", "8"), id="guest-is-not-added-to"),
        pytest.param('guest = ["dense:4"]', ("--vcpus", "8"), id="vcpus-for-guest"),
        pytest.param("vcpus = 8", ("--guest=8",), id="guest-for-vcpus"),
        pytest.param("fast = true", ("--rigorous",), id="rigorous-for-fast"),
        pytest.param("rigorous = true", ("--fast",), id="fast-for-rigorous"),
        pytest.param("json = true", ("--csv",), id="csv-for-json"),
        pytest.param("json = true", ("--format", "csv"), id="format-for-json"),
        pytest.param('format = "csv"', ("--json",), id="json-for-format"),
        pytest.param("csv = true", ("--format=markdown",), id="format-for-csv"),
    ],
)
def test_options_of_the_command_line_override_defaults(
    typed: Typed, table: str, typed_words: tuple[str, ...]
) -> None:
    """Also over an option that cannot stand beside it."""
    assert typed(table, "run", "norov", *typed_words) == []


@pytest.mark.parametrize(
    ("typed_words", "expected"),
    [
        pytest.param((), ["--by=sender", "--baseline=kvm-pv"], id="both"),
        pytest.param(("--by", "guest"), [], id="another-axis-has-other-sides"),
        pytest.param(("--beside",), [], id="beside-has-none"),
        pytest.param(("--baseline", "x"), ["--by=sender"], id="another-baseline"),
    ],
)
def test_a_baseline_belongs_to_the_axis_of_the_table(
    typed: Typed, typed_words: tuple[str, ...], expected: list[str]
) -> None:
    """`pvbench compare --beside` excludes ``--by``, and a side of it with it."""
    assert typed('by = "sender"\nbaseline = "kvm-pv"', "compare", *typed_words) == expected


@pytest.mark.parametrize("table", ['fail-above = "10%"', 'only = "changed"'])
def test_what_ranks_is_not_meant_for_predictions(typed: Typed, table: str) -> None:
    """`pvbench compare --beside` ranks nothing."""
    assert typed(table, "compare", "--beside") == []
    assert len(typed(table, "compare")) == 1


def test_beside_works_where_the_table_has_an_axis(cli: Cli, native_file: Path) -> None:
    """The parser agrees: the two cannot stand beside each other."""
    Path("pyproject.toml").write_text('[tool.pvbench]\nby = "sender"\nbaseline = "kvm-pv"\n')
    output = cli("compare", "--beside", "published:norov-2018", str(native_file))

    assert (output.status, output.err) == (0, "")


@pytest.mark.parametrize("command", ["show", "compare"])
def test_a_command_without_the_option_ignores_it(typed: Typed, command: str) -> None:
    """One table serves all commands; these load no plugins and run nothing."""
    assert typed('plugins = ["one"]\nguest = "4"\nseed = 3', command) == []


def test_options_of_several_commands_serve_each(cli: Cli) -> None:
    """``format`` is one of every command that prints a table."""
    Path("pyproject.toml").write_text('[tool.pvbench]\nformat = "csv"\n')
    file_of(Path("a.json"), row_of("broadcast", "x2apic-physical", 1e-6))

    assert cli("show", "a.json").out.startswith("stack,broadcast\n")
    assert cli("list", "sites").out.startswith("name,summary,usable\n")


def test_the_nearest_table_upward_counts(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search begins at the current directory; tables further up are not merged in."""
    (Path("near") / "here").mkdir(parents=True)
    Path("pyproject.toml").write_text("[tool.pvbench]\nvcpus = 8\nseed = 3\n")
    monkeypatch.chdir("near/here")
    outer = with_defaults(["run"], PARSERS)
    Path("../pyproject.toml").write_text("[tool.pvbench]\nvcpus = 4\n")

    assert outer == ["run", "--vcpus=8", "--seed=3"]
    assert with_defaults(["run"], PARSERS) == ["run", "--vcpus=4"]


def test_a_directory_that_was_removed_has_no_defaults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`pvbench list` works in it as before."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    os.rmdir(tmp_path / "gone")

    assert with_defaults(["list", "sites"], PARSERS) == ["list", "sites"]


def test_a_run_uses_them(cli: Cli) -> None:
    """The test goes from the file to the plan."""
    Path("pyproject.toml").write_text(
        '[tool.pvbench]\nguest = ["ids:0,3"]\nsender = ["native"]\njson = true\n'
    )
    output = cli("run", "norov", "--dry-run", "-k", "normal")
    names = [case["case"].split()[1:3] for case in json.loads(output.out)["cases"]]

    assert names == [["x2apic-physical", "ids:0,3"], ["x2apic-cluster", "ids:0,3"]]


def test_plugin_files_are_meant_from_the_table_s_place(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, add_plugin: AddPlugin
) -> None:
    """Modules are not: they are found as Python finds them."""
    Path("senders").mkdir()
    Path("below").mkdir()
    Path("senders/mine.py").write_text(f"pvbench_api = 1\n{overlay('mine', IN_ORDER)}")
    add_plugin("theirs", overlay("theirs", IN_ORDER))
    Path("pyproject.toml").write_text(
        '[tool.pvbench]\nplugins = ["./senders/mine.py", "theirs", "no:send-kvm-pv"]\n'
    )
    monkeypatch.chdir("below")
    output = cli("list", "senders", "--csv")
    names = {line.split(",")[0] for line in output.out.splitlines()}

    assert (output.status, output.err) == (0, "")
    assert names & {"mine", "theirs", "kvm-pv"} == {"mine", "theirs"}


def test_a_file_of_costs_is_meant_from_the_table_s_place(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of a bundled profile stays as it is."""
    typed('costs = "mine.toml"', "run", "norov")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")

    assert with_defaults(["run", "norov"], PARSERS) == [
        "run",
        f"--costs={tmp_path / 'mine.toml'}",
        "norov",
    ]
