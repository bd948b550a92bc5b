"""Plugins of other distributions, by their entry points."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from pvbench.plugin.loader import load
from pvbench.plugin.registry import Registry
from support import runs
from support.helpers import bundled
from support.runs import call

SENDER = """
from pvbench.hookspecs import hookimpl
from pvbench.sender import Sender

pvbench_api = 1


class Acme(Sender):
    name = "acme"
    summary = "for tests"


@hookimpl
def pvbench_senders():
    return [Acme()]
"""


@pytest.fixture(autouse=True)
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution "pvbench-acme" 1.2 with a good and a broken plugin."""
    info = tmp_path / "pvbench_acme-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pvbench-acme\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[pvbench]\nacme = acme_sender\nrusty = acme_rusty\n[other]\nthing = acme_other\n"
    )
    (tmp_path / "acme_sender.py").write_text(SENDER)
    (tmp_path / "acme_rusty.py").write_text("pvbench_api = 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", raising=False)


def test_an_installed_plugin_is_loaded_by_its_entry_point() -> None:
    """Plugins of all distributions join the same group."""
    listed = [str(p) for p in load().plugins if p.distribution == "pvbench-acme"]

    assert listed == ["acme (pvbench-acme 1.2)", "rusty (pvbench-acme 1.2)"]


def test_a_broken_plugin_names_its_distribution() -> None:
    """A user can then report the error to its author."""
    (rusty,) = load().broken

    assert (
        rusty.distribution,
        rusty.version,
        rusty.error,
    ) == ("pvbench-acme", "1.2", "its pvbench_api is 0, and this pvbench needs pvbench_api = 1")


def test_a_distribution_on_two_paths_is_loaded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python itself does: the first on the path counts, however the name is spelt."""
    older = tmp_path / "older"
    shutil.copytree(tmp_path / "pvbench_acme-1.2.dist-info", older / "acme-1.1.dist-info")
    (older / "acme-1.1.dist-info" / "METADATA").write_text("Name: PVbench_acme\nVersion: 1.1\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path), str(older)])

    listed = [str(p) for p in load().plugins if "acme" in p.distribution]

    assert listed == ["acme (pvbench-acme 1.2)", "rusty (pvbench-acme 1.2)"]


def test_a_distribution_that_is_half_removed_is_broken_not_fatal(tmp_path: Path) -> None:
    """Its entry points were left behind, without its metadata and its module."""
    half = tmp_path / "half-1.0.dist-info"
    half.mkdir()
    (half / "entry_points.txt").write_text("[pvbench]\nhalf = module_that_is_gone\n")

    (plugin,) = [p for p in load().broken if p.name == "half"]

    assert (str(plugin), plugin.error) == (
        "half (? ?)",
        "its import raises ModuleNotFoundError: No module named 'module_that_is_gone'",
    )


def test_bundled_plugins_come_first() -> None:
    """A newcomer cannot take a bundled name away."""
    distributions = [p.distribution for p in load().plugins]

    assert distributions == sorted(distributions, key=lambda name: name != "pvbench")


def test_autoload_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill switch for plugins of others, as pytest has one; -p still asks for one."""
    monkeypatch.setenv("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", "1")

    bare, requested = load(), load(["acme_sender"])

    assert {"pvbench"} == {p.distribution for p in bare.plugins}
    assert ("acme" in bare.senders, "acme" in requested.senders) == (False, True)


def test_no_blocks_an_installed_plugin() -> None:
    """It is blocked by its entry-point name."""
    registry = load(["no:rusty", "no:acme"])

    assert ([], list(bundled().senders)) == (registry.broken, list(registry.senders))


def test_things_are_sorted_by_name_and_not_by_plugin() -> None:
    """Order never depends on plugins."""
    names = list(load().senders)

    assert names == sorted(names)
    assert names[0] == "acme"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A changed copy of the module that is installed as plugin "acme"."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "acme_sender.py").write_text(SENDER.replace("for tests", "changed"))
    return "./acme_sender.py"


def states(registry: Registry) -> list[tuple[str, str]]:
    """Name and state of the plugins that are not bundled."""
    return [(p.name, p.state) for p in registry.plugins if p.distribution != "pvbench"]


def test_a_file_replaces_the_installed_plugin_whose_module_it_is(file: str) -> None:
    """The file is used, and the installed plugin is not imported."""
    registry = load(["no:rusty", file])

    assert states(registry) == [("acme", "replaced"), ("rusty", "blocked"), (file, "ok")]
    assert registry.senders["acme"].summary == "changed"
    assert "acme_sender" not in sys.modules


def test_a_module_of_a_package_is_replaced_by_its_path_in_a_package(
    tmp_path: Path, file: str
) -> None:
    """A file of another package replaces nothing, whatever its own name is."""
    points = tmp_path / "pvbench_acme-1.2.dist-info" / "entry_points.txt"
    points.write_text("[pvbench]\nacme = acme_pack.acme_sender\nwhole = acme_whole\n")
    for path in ("acme_pack/acme_sender.py", "acme_whole/__init__.py"):
        Path(path).parent.mkdir()
        Path(path).write_text("")
    listed = load([file, "acme_pack/acme_sender.py", "acme_whole/__init__.py"]).plugins
    others = load([file]).plugins

    assert [p.replaced_by for p in listed if p.distribution == "pvbench-acme"] == [
        "acme_pack/acme_sender.py",
        "acme_whole/__init__.py",
    ]
    assert {p.replaced_by for p in others} == {""}


def test_a_blocked_file_replaces_nothing(file: str) -> None:
    """The installed plugin is then used."""
    registry = load(["no:rusty", file, f"no:{file}"])

    assert states(registry) == [("acme", "ok"), ("rusty", "blocked"), (file, "blocked")]


def test_a_plugin_given_twice_is_loaded_once(file: str) -> None:
    """It may be a file under two paths, or a module under its name."""
    registry = load(["no:rusty", "acme_sender.py", file, "pvbench_send_kvm_pv"])

    assert states(registry) == [("acme", "replaced"), ("rusty", "blocked"), (file, "ok")]
    assert registry.broken == []


def test_a_module_whose_entry_point_is_blocked_can_be_given_by_its_name() -> None:
    """It then loads as a plugin of ``-p``."""
    registry = load(["no:rusty", "no:acme", "acme_sender"])

    assert states(registry) == [
        ("acme", "blocked"),
        ("rusty", "blocked"),
        ("acme_sender", "ok"),
    ]


def test_a_replaced_plugin_is_named_once_with_its_distribution(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is one sentence, which does not mention a broken plugin."""
    monkeypatch.setattr(runs, "ONLY_BUNDLED", ("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", ""))
    done = call("list", "senders", "-p", "no:rusty", "-p", file)

    assert (done.status, done.err) == (
        0,
        "pvbench: ./acme_sender.py replaces plugin acme (pvbench-acme 1.2)\n",
    )
