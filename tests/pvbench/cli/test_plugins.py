"""`pvbench plugins`: the distribution and the state of each plugin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import pvbench_send_kvm_pv
from support.runs import AddPlugin, Cli


def listed(cli: Cli, *options: str) -> dict[str, dict[str, Any]]:
    """The plugins by name."""
    return {p["name"]: p for p in json.loads(cli("plugins", "--json", *options).out)}


def test_a_bundled_plugin_is_listed_with_its_distribution_and_its_offers(cli: Cli) -> None:
    """Bundled plugins use the same entry points as all others."""
    plugin = listed(cli)["send-kvm-pv"]

    assert plugin["module"] == "pvbench_send_kvm_pv"
    assert plugin["distribution"] == "pvbench"
    assert (plugin["state"], plugin["error"]) == ("ok", "")
    assert plugin["offers"] == ["sender kvm-pv"]


def test_a_blocked_plugin_is_listed_as_blocked(cli: Cli) -> None:
    """A user can see why it is missing."""
    plugin = listed(cli, "-p", "no:send-kvm-pv")["send-kvm-pv"]

    assert (plugin["state"], plugin["offers"]) == ("blocked", [])


def test_a_plugin_that_a_file_replaces_names_the_file(cli: Cli, tmp_path: Path) -> None:
    """A user can see what is used."""
    file = tmp_path / "pvbench_send_kvm_pv.py"
    file.write_text(Path(pvbench_send_kvm_pv.__file__).read_text())
    rows = cli("plugins", "-p", str(file), "--csv").out.splitlines()

    assert f"send-kvm-pv,pvbench,0.1.0,replaced,none: {file} is used instead" in rows
    assert f"{file},-,-,ok,sender kvm-pv" in rows


def test_a_broken_plugin_is_named_with_its_error_and_the_others_load(
    cli: Cli, add_plugin: AddPlugin
) -> None:
    """The exit status is 5, with a warning on standard error."""
    add_plugin("broken_plugin", "import no_such_module")
    output = cli("plugins", "-p", "broken_plugin", "--format", "csv")

    assert output.status == 5
    assert (
        "broken_plugin,-,-,broken,none: its import raises ModuleNotFoundError: No module named"
        in output.out
    )
    assert (
        "pvbench: plugin broken_plugin is broken: its import raises ModuleNotFoundError"
        in output.err
    )
    assert "send-kvm-pv,pvbench," in output.out


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("list", "senders"), id="list"),
        pytest.param(("explain", "kvm-pv", "--targets", "1"), id="explain"),
    ],
)
def test_a_broken_plugin_stops_nothing_but_a_strict_command(
    cli: Cli, add_plugin: AddPlugin, command: tuple[str, ...]
) -> None:
    """By default there is a warning; ``--strict-plugins`` makes it exit status 5."""
    add_plugin("broken_plugin", "raise RuntimeError('boom')")
    tolerant = cli(*command, "-p", "broken_plugin")
    strict = cli(*command, "-p", "broken_plugin", "--strict-plugins")

    assert (tolerant.status, tolerant.err.count("\n")) == (0, 1)
    assert (strict.status, strict.out) == (5, "")
    assert (
        "is broken: its import raises RuntimeError: boom. Block it: -p no:broken_plugin."
        in strict.err
    )


def test_blocking_an_unknown_plugin_is_refused(cli: Cli) -> None:
    """A slip would otherwise go unnoticed."""
    output = cli("plugins", "-p", "no:send-kvm-pvv")

    assert output.status == 2
    assert "there is no plugin called 'send-kvm-pvv'. Did you mean 'send-kvm-pv'?" in output.err


def test_a_wrong_limit_of_plugins_is_one_usage_error(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No plugin is broken because of it."""
    monkeypatch.setenv("PVBENCH_PLUGIN_TIMEOUT", "x")
    output = cli("plugins")

    assert (output.status, output.out) == (2, "")
    assert output.err == "pvbench: PVBENCH_PLUGIN_TIMEOUT is 'x', not a number of seconds\n"
