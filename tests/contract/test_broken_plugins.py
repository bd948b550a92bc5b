"""Broken plugins that are installed together are all named, and a run succeeds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.broken_plugins import BROKEN
from support.helpers import DEADLINE_S

NOWHERE = {
    "module-nobody-has": (
        "rusty_module_nobody_has",
        "ModuleNotFoundError: No module named 'rusty_module_nobody_has'",
    ),
    "attribute-nobody-has": (
        "json:there_is_none",
        "AttributeError: module 'json' has no attribute 'there_is_none'",
    ),
}
ERRORS = {kind: error for kind, (_, error) in (BROKEN | NOWHERE).items()}


def install(folder: Path) -> None:
    """Install a distribution "rusty" 1.0 in *folder* with an entry point for each plugin."""
    points = {kind: value for kind, (value, _) in NOWHERE.items()}
    for kind, (source, _) in BROKEN.items():
        points[kind] = f"rusty_{kind.replace('-', '_')}"
        (folder / f"{points[kind]}.py").write_text(source)
    info = folder / "rusty-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rusty\nVersion: 1.0\n")
    lines = "\n".join(f"{kind} = {value}" for kind, value in points.items())
    (info / "entry_points.txt").write_text(f"[pvbench]\n{lines}\n")


def environment(folder: Path) -> Mapping[str, str]:
    """An environment with *folder* on the path and third-party plugins enabled."""
    variables = {k: v for k, v in os.environ.items() if k != "PVBENCH_DISABLE_PLUGIN_AUTOLOAD"}
    return variables | {"PYTHONPATH": str(folder)}


Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of native senders with all the broken plugins installed."""
    folder = tmp_path_factory.mktemp("rusty")
    install(folder)
    command = [sys.executable, "-m", "pvbench", "run", "norov", "--fast", "-q"]
    arguments = [
        "--sender",
        "native",
        "-k",
        "normal-ipi ",
        "-o",
        str(folder / "a.json"),
        "--json",
    ]
    return subprocess.run(
        [*command, *arguments],
        env=environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


@pytest.mark.parametrize(("kind", "error"), ERRORS.items())
def test_a_broken_plugin_of_a_run_is_named_with_its_distribution(
    ran: Ran, kind: str, error: str
) -> None:
    """One line on standard error names the plugin's distribution."""
    start = f"pvbench: plugin {kind} (rusty 1.0) is broken: "

    (line,) = [line for line in ran.stderr.splitlines() if line.startswith(start)]

    assert error in line


def test_a_run_with_broken_plugins_installed_succeeds(ran: Ran) -> None:
    """The exit status is 0, and all cases of other plugins are measured."""
    names = {series["stack"] for series in json.loads(ran.stdout)["series"]}

    assert (ran.returncode, names) == (0, {"x2apic-physical", "x2apic-cluster"})


def test_a_run_with_broken_plugins_prints_no_other_messages(ran: Ran) -> None:
    """It prints a line for each plugin, and the path of the results."""
    lines = ran.stderr.splitlines()

    assert (len(ERRORS) + 1, lines[-1].startswith("results: ")) == (len(lines), True)
