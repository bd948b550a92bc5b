"""`pvbench doctor`: what this machine is, and what can run here."""

from __future__ import annotations

import json
import platform
import socket
from pathlib import Path

import pytest

from run_helpers import Cli, Plant

pytest_plugins = ["run_fixtures"]


def test_doctor_tells_machine_software_and_deliveries(cli: Cli) -> None:
    """What a bug report needs."""
    facts = json.loads(cli("doctor", "--json").out)

    assert list(facts)[:7] == [
        "cpu",
        "cpus",
        "kernel",
        "python",
        "hypervisor",
        "hardware virtualization",
        "/dev/kvm",
    ]
    assert {"pvbench", "pyperf", "pluggy", "attrs", "numpy"} <= facts.keys()
    assert facts["delivery model"] == "usable"
    assert facts["plugins"].endswith(" loaded")


def test_the_table_tells_the_same(cli: Cli) -> None:
    """One row for each fact."""
    facts = json.loads(cli("doctor", "--json").out)
    lines = cli("doctor").out.splitlines()

    assert [line.split("  ")[0] for line in lines[2:]] == list(facts)


def test_doctor_says_where_results_go(cli: Cli) -> None:
    """Below the current directory."""
    assert json.loads(cli("doctor", "--json").out)["results go to"].startswith("./results/")


def test_doctor_says_when_results_cannot_be_written(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Better before the run than after it."""
    monkeypatch.setattr("pvbench.cli.doctor.os.access", lambda path, mode: False)
    told = json.loads(cli("doctor", "--json").out)["results go to"]

    assert told.endswith("but . cannot be written")


def test_a_broken_plugin_is_the_environment_s_fault(cli: Cli, plant: Plant) -> None:
    """Exit status 5, and its name."""
    plant("broken_plugin", "import no_such_module")
    done = cli("doctor", "-p", "broken_plugin", "--json")

    assert done.status == 5
    assert json.loads(done.out)["plugins"] == "broken: broken_plugin"


def test_doctor_never_names_the_host(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its output is made to be pasted."""
    monkeypatch.setattr(socket, "gethostname", lambda: "zanzibar")
    monkeypatch.setattr(platform, "node", lambda: "zanzibar")

    assert "zanzibar" not in cli("doctor").out
