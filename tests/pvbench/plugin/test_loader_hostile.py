"""A plugin that does the worst is left out; one that does not return ends the command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench.plugin.guard import LIMIT_VARIABLE
from pvbench.plugin.loader import load
from support.helpers import DEADLINE_S, bundled
from support.hostile_plugins import BROKEN, ENDLESS

Write = Callable[[str, str], str]
# A command that has no other plugin than the one that is given.
ALONE = """
import sys
from pvbench.plugin import loader
from pvbench.cli.main import main

loader.candidates = lambda **_: []
sys.exit(main(["list", "suites", "-p", "suspect"]))
"""


@pytest.mark.usefixtures("only_bundled")
@pytest.mark.parametrize(
    ("source", "error"), [pytest.param(*case, id=name) for name, case in BROKEN.items()]
)
def test_a_plugin_that_raises_is_broken_with_a_short_printable_error(
    source: str, error: str, write_plugin: Write
) -> None:
    """All bundled senders and suites stay."""
    registry = load([write_plugin("suspect", source)])
    (suspect,) = registry.broken

    assert (suspect.name, suspect.offers) == ("suspect", ())
    assert suspect.error.startswith(error)
    assert suspect.error.isprintable()
    assert len(suspect.error) < 1000
    assert list(registry.senders) == list(bundled().senders)
    assert list(registry.table("suite")) == list(bundled().table("suite"))


@pytest.mark.parametrize(
    ("source", "place"), [pytest.param(*case, id=name) for name, case in ENDLESS.items()]
)
def test_a_plugin_that_does_not_return_ends_the_command_with_its_name(
    source: str, place: str, tmp_path: Path
) -> None:
    """The sentence has the plugin, the hook, the limit and the way to go on without it."""
    (tmp_path / "suspect.py").write_text(source)
    output = subprocess.run(
        [sys.executable, "-c", ALONE],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=DEADLINE_S,
        env={**os.environ, "PYTHONPATH": str(tmp_path), LIMIT_VARIABLE: "0.2"},
    )

    assert output.stderr == (
        f"pvbench: plugin suspect does not return from {place} within 0.2 s. "
        "Block it: -p no:suspect. "
        "If it only needs longer, set PVBENCH_PLUGIN_TIMEOUT to the number of seconds.\n"
    )
    assert output.returncode == 5


@pytest.mark.usefixtures("only_bundled")
def test_a_damaged_list_of_entry_points_costs_only_its_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of any installed distribution may be cut in the middle."""
    info = tmp_path / "damaged-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: damaged\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pvbench]\nwithout an equals sign\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert load().broken == []
