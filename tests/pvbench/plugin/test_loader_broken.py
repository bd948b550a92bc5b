"""A broken plugin is listed with its error, and nothing else suffers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench.plugin.loader import load
from support.broken_plugins import BROKEN, GOOD
from support.helpers import bundled

Write = Callable[[str, str], str]
pytestmark = pytest.mark.usefixtures("only_bundled")


@pytest.mark.parametrize(
    ("source", "error"), [pytest.param(*case, id=kind) for kind, case in BROKEN.items()]
)
def test_a_broken_plugin_is_listed_with_its_error_and_the_others_work(
    source: str, error: str, write_plugin: Write
) -> None:
    """A plugin may fail in any way; everybody else's senders stay."""
    neighbour = write_plugin("neighbour", GOOD.replace('"good"', '"other"'))

    registry = load([write_plugin("suspect", source), neighbour])
    (suspect,) = [plugin for plugin in registry.plugins if plugin.name == "suspect"]

    assert sorted([*bundled().senders, "other"]) == list(registry.senders)
    assert ([plugin.name for plugin in registry.broken], suspect.offers) == (["suspect"], ())
    assert error in suspect.error


def test_a_duplicate_name_gives_the_other_plugin_and_the_fix(write_plugin: Write) -> None:
    """Both plugins are named: two equal reprs tell nothing."""
    (suspect,) = load([write_plugin("suspect", GOOD.replace('"good"', '"kvm-pv"'))]).broken

    assert suspect.error.endswith(
        "offers a sender called 'kvm-pv' too; block one with -p no:NAME"
    )


def test_a_bundled_sender_keeps_its_name_against_a_plugin(write_plugin: Write) -> None:
    """Bundled plugins load first, so the newcomer is the broken one."""
    registry = load([write_plugin("suspect", GOOD.replace('"good"', '"kvm-pv"'))])

    assert registry.module_of["sender kvm-pv"] == "pvbench_send_kvm_pv"


def test_a_missing_module_is_a_broken_plugin() -> None:
    """A typo after -p costs that plugin only."""
    registry = load(["there_is_no_such_plugin"])

    assert [plugin.error for plugin in registry.broken] == [
        "its import raises ModuleNotFoundError: No module named 'there_is_no_such_plugin'"
    ]


def test_a_fifo_is_not_loaded_as_a_plugin(tmp_path: Path) -> None:
    """Opening it would wait until another process writes to it."""
    os.mkfifo(tmp_path / "fifo.py")
    registry = load([str(tmp_path / "fifo.py")])

    assert [plugin.error for plugin in registry.broken] == [
        f"its import raises ImportError: {tmp_path / 'fifo.py'} is not a regular file"
    ]


def test_a_file_of_more_than_4_mib_is_no_plugin(tmp_path: Path) -> None:
    """Python would read all of it; a sparse file takes no disk."""
    path = tmp_path / "large.py"
    with path.open("wb") as file:
        file.truncate((1 << 22) + 1)
    (broken,) = load([str(path)]).broken

    assert broken.error == f"its import raises ImportError: {path} has more than 4194304 bytes"


def test_two_entry_points_of_one_module_are_a_fault_of_the_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one is refused by the name of the first, and nothing else suffers."""
    monkeypatch.delenv("PVBENCH_DISABLE_PLUGIN_AUTOLOAD")
    info = tmp_path / "acme-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: acme\nVersion: 9\n")
    (info / "entry_points.txt").write_text("[pvbench]\na = twice\nb = twice\n")
    (tmp_path / "twice.py").write_text(GOOD)
    monkeypatch.syspath_prepend(tmp_path)
    registry = load()
    (refused,) = registry.broken

    assert (refused.name, refused.error) == ("b", "it is loaded already, as a (acme 9)")
    assert "good" in registry.senders


@pytest.mark.parametrize("member", ["boot", "why_unavailable"])
def test_a_delivery_that_lacks_a_member_of_the_protocol_is_broken(
    write_plugin: Write, member: str
) -> None:
    """It fails when it is loaded and not when a run needs the member."""
    source = f"""
from pvbench.hookspecs import hookimpl
import pvbench_deliver_model

pvbench_api = 1


class Partial:
    def __init__(self):
        (self.whole,) = pvbench_deliver_model.pvbench_deliveries()

    def __getattr__(self, attribute):
        if attribute == {member!r}:
            raise AttributeError
        return "partial" if attribute == "name" else getattr(self.whole, attribute)


@hookimpl
def pvbench_deliveries():
    return [Partial()]
"""
    (plugin,) = load([write_plugin("suspect", source)]).broken

    assert plugin.error == f"it offers a delivery without {member}: 'partial'"


def test_a_hook_of_a_later_version_may_be_optional(write_plugin: Write) -> None:
    """A plugin may serve several versions: pluggy's ``optionalhook`` marks such a hook."""
    later = "@hookimpl(optionalhook=True)\ndef pvbench_readers():\n    return []\n"

    assert load([write_plugin("suspect", GOOD + later)]).broken == []
