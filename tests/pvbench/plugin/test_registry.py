"""The loader: plugins in, one facade out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pvbench.errors import PluginError, UnavailableError, UsageError
from pvbench.plugin.loader import load
from pvbench.plugin.registry import Plugin, Registry
from pvbench.topology import parse_guest

Write = Callable[[str, str], str]
pytestmark = pytest.mark.usefixtures("only_bundled")

SENDERS = [
    "hyperv-ipi",
    "kernel",
    "kvm-pv",
    "kvm-pv-4.19",
    "kvm-pv-cluster128",
    "kvm-pv-cluster192",
    "kvm-pv-single",
    "kvm-pv128-v3",
    "shorthand",
    "x2apic-cluster",
    "x2apic-physical",
    "xapic-flat",
    "xapic-physical",
    "xen-evtchn",
]
GOOD = """
from pvbench.hookspecs import hookimpl
from pvbench.sender import Sender

pvbench_api = 1


class Good(Sender):
    name = "good"
    summary = "for tests"


@hookimpl
def pvbench_senders():
    return [Good()]
"""


def plugin(registry: Registry, name: str) -> Plugin:
    """The plugin of that name."""
    (match,) = [p for p in registry.plugins if p.name == name]
    return match


def test_a_good_plugin_lists_its_offers(write_plugin: Write) -> None:
    """`-p NAME` imports a module; its things are there like bundled ones."""
    registry = load([write_plugin("well_made", GOOD)])

    expected = Plugin(name="well_made", module="well_made", offers=("sender good",))

    assert expected == plugin(registry, "well_made")
    assert "good" in registry.overlays


def test_a_hook_may_answer_with_any_iterable(write_plugin: Write) -> None:
    """A generator is as good as a list."""
    yields = GOOD.replace("return [Good()]", "yield Good()")
    registry = load([write_plugin("well_made", yields)])

    assert "good" in registry.senders


def test_an_empty_answer_is_fine(write_plugin: Write) -> None:
    """A plugin may have nothing to offer here."""
    registry = load([write_plugin("well_made", GOOD.replace("[Good()]", "()"))])

    assert (
        plugin(registry, "well_made").state,
        plugin(registry, "well_made").offers,
    ) == ("ok", ())


def test_all_bundled_plugins_load() -> None:
    """The menu in pyproject.toml is complete and nothing in it is broken."""
    registry = load()

    assert (
        [p.error for p in registry.broken],
        list(registry.senders),
    ) == ([], SENDERS)


def test_drivers_have_complete_tables_and_overlays_the_rest() -> None:
    """A driver is a sender with every callback."""
    registry = load()

    assert sorted(registry.drivers) == [
        "kernel",
        "x2apic-cluster",
        "x2apic-physical",
        "xapic-flat",
        "xapic-physical",
    ]
    assert sorted(SENDERS) == sorted({*registry.drivers, *registry.overlays})


@pytest.mark.parametrize(
    "name", ["send-kvm-pv", "pvbench_send_kvm_pv"], ids=["entry-point", "module"]
)
def test_no_name_blocks_a_plugin(name: str) -> None:
    """A blocked plugin is listed as such and offers nothing."""
    registry = load([f"no:{name}"])

    assert "kvm-pv" not in registry.senders
    assert (
        plugin(registry, "send-kvm-pv").state,
        plugin(registry, "send-kvm-pv").error,
        plugin(registry, "send-kvm-pv").offers,
    ) == ("blocked", "", ())


def test_a_file_is_blocked_without_its_folder(tmp_path: Path) -> None:
    """An error about its code knows the file's name only."""
    file = tmp_path / "mine.py"
    file.write_text(GOOD)

    registry = load([str(file), "no:mine.py"])

    assert plugin(registry, str(file)).state == "blocked"


def test_blocking_frees_the_name(write_plugin: Write) -> None:
    """This resolves a duplicate name."""
    module = write_plugin("well_made", GOOD.replace('"good"', '"kvm-pv"'))

    registry = load(["no:send-kvm-pv", module])

    assert registry.module_of["sender kvm-pv"] == "well_made"


def test_blocking_an_unknown_name_is_an_error() -> None:
    """A typo must not silently block nothing."""
    with pytest.raises(
        UsageError, match=r"no plugin called 'send-kvm-pw'. Did you mean 'send-kvm-pv'\?"
    ):
        load(["no:send-kvm-pw"])


def test_strict_makes_a_broken_plugin_an_error(write_plugin: Write) -> None:
    """With the plugin, its error and the way to go on without it."""
    with pytest.raises(
        UnavailableError,
        match=r"plugin suspect is broken: it has no hook\. Block it: -p no:suspect\.",
    ):
        load([write_plugin("suspect", "pvbench_api = 1")], strict=True)


def test_an_unknown_thing_mentions_broken_plugins(write_plugin: Write) -> None:
    """The sender asked for may be in the plugin that failed."""
    registry = load([write_plugin("suspect", "pvbench_api = 1")])

    with pytest.raises(UsageError, match=r"no sender called 'acme'.*Broken.*: suspect"):
        registry.get("sender", "acme")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(
            "kvm-pv", r"'kvm-pv' is not a driver\. Write kvm-pv/x2apic-", id="overlay"
        ),
        pytest.param("kvm-pv/shorthand", r"'shorthand' is not a driver", id="two-overlays"),
        pytest.param("kvm-pv/x2apic", r"no sender called 'x2apic'", id="no-such-driver"),
        pytest.param("kvm/x2apic-cluster", r"no sender called 'kvm'", id="no-such-overlay"),
        pytest.param("", r"no sender called ''", id="empty"),
    ],
)
def test_a_stack_that_cannot_be_is_refused(name: str, message: str) -> None:
    """A stack is a driver, or an overlay, a slash and a driver."""
    with pytest.raises(UsageError, match=message):
        load().stack(name)


LOAD = """
from pvbench.hookspecs import hookimpl
from pvbench.workload import Workload

pvbench_api = 1


@hookimpl
def pvbench_workloads():
    return [
        Workload(
            name="family",
            summary="for tests",
            bursts=lambda guest, n: (),
            parameters={"n": 1},
            steps=lambda guest: [1 // 0],
        )
    ]
"""


def test_steps_that_raise_are_a_fault_of_their_plugin(write_plugin: Write) -> None:
    """A value of the user's own needs no steps."""
    registry = load([write_plugin("with_steps", LOAD)])
    guest = parse_guest("4")

    assert [one.spec for one in registry.workloads("family:7", guest)] == ["family:7"]
    with pytest.raises(PluginError, match="workload family raises ZeroDivisionError"):
        registry.workloads("family", guest)
