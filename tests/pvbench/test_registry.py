"""The tolerant loader: one broken plugin hurts nobody else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from pvbench.errors import UnavailableError, UsageError
from pvbench.registry import Plugin, Registry, load

Write = Callable[[str, str], str]

SENDERS = [
    "hyperv-ipi",
    "kvm-pv",
    "kvm-pv-4.19",
    "kvm-pv-cluster128",
    "kvm-pv-cluster192",
    "kvm-pv128-v3",
    "shorthand",
    "x2apic-cluster",
    "x2apic-physical",
    "xapic-flat",
    "xapic-physical",
    "xen-evtchn",
]
HEADER = """
from pvbench.hookspecs import hookimpl
from pvbench.sender import Sender
pvbench_api = 1
"""
ONE_SENDER = """
class {cls}(Sender):
    name = "{name}"
    summary = "for tests"

@hookimpl
def pvbench_senders():
    return [{cls}()]
"""
GOOD = HEADER + ONE_SENDER.format(cls="Good", name="good")


@pytest.fixture(autouse=True)
def _only_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugins installed on this machine play no part."""
    monkeypatch.setenv("PVBENCH_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Put a module on sys.path, forgotten by earlier tests."""
    monkeypatch.syspath_prepend(tmp_path)

    def write_module(name: str, source: str) -> str:
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(dedent(source))
        return name

    return write_module


def plugin(registry: Registry, name: str) -> Plugin:
    """The plugin of that name."""
    (found,) = [p for p in registry.plugins if p.name == name]
    return found


@pytest.mark.parametrize(
    ("source", "error"),
    [
        pytest.param(
            "import there_is_none",
            "ModuleNotFoundError: No module named 'there_is_none'",
            id="import-error",
        ),
        pytest.param("def (:", "SyntaxError: ", id="syntax-error"),
        pytest.param(
            "raise RuntimeError('no\\nlicence')", "RuntimeError: no licence", id="raises"
        ),
        pytest.param("import sys; sys.exit(3)", "SystemExit: 3", id="exits"),
        pytest.param(
            GOOD.replace("pvbench_api = 1", ""),
            "pvbench_api is None, this pvbench needs 1",
            id="no-api",
        ),
        pytest.param(
            GOOD.replace("pvbench_api = 1", "pvbench_api = 2"),
            "pvbench_api is 2, this pvbench needs 1",
            id="another-api",
        ),
        pytest.param(HEADER, "it has no hook", id="no-hook"),
        pytest.param(
            GOOD.replace("def pvbench_senders", "def pvbench_sender"),
            "there is no hook called 'pvbench_sender'",
            id="misspelt-hook",
        ),
        pytest.param(
            GOOD.replace("@hookimpl", ""),
            "pvbench_senders lacks @hookimpl",
            id="unmarked-hook",
        ),
        pytest.param(
            GOOD.replace("pvbench_senders()", "pvbench_senders(guest)"),
            "pvbench_senders takes arguments, the hook gives none",
            id="hook-with-arguments",
        ),
        pytest.param(
            GOOD.replace("[Good()]", "[1 // 0]"),
            "ZeroDivisionError: integer division or modulo by zero",
            id="hook-raises",
        ),
        pytest.param(
            GOOD.replace("[Good()]", "7"),
            "TypeError: 'int' object is not iterable",
            id="hook-returns-no-iterable",
        ),
        pytest.param(GOOD.replace("return [Good()]", "Good()"), "None", id="hook-returns-None"),
        pytest.param(
            GOOD.replace("[Good()]", "[object()]"),
            "it offers a sender without a name: <object",
            id="thing-without-a-name",
        ),
        pytest.param(
            GOOD.replace('"good"', "4"),
            "it offers a sender without a name",
            id="name-is-no-text",
        ),
        pytest.param(
            GOOD.replace("(Sender)", ""), "it offers a sender", id="thing-that-is-no-sender"
        ),
        pytest.param(
            GOOD.replace('"good"', '"kvm-pv"'),
            "send-kvm-pv (pvbench ",
            id="name-of-a-bundled-sender",
        ),
        pytest.param(
            GOOD.replace("[Good()]", "[Good(), Good()]"), "'good'", id="one-name-twice"
        ),
    ],
)
def test_a_broken_plugin_is_listed_with_its_error_and_nothing_else_suffers(
    source: str, error: str, write: Write
) -> None:
    """A plugin may fail in any way; everybody else's senders stay."""
    neighbour = write("neighbour", HEADER + ONE_SENDER.format(cls="Other", name="other"))

    registry = load([write("suspect", source), neighbour])
    suspect = plugin(registry, "suspect")

    assert sorted([*SENDERS, "other"]) == list(registry.senders)
    assert (["suspect"], ()) == ([p.name for p in registry.broken], suspect.offers)
    assert error in suspect.error


def test_a_duplicate_name_says_who_has_it_and_what_to_do(write: Write) -> None:
    """Both plugins are named: two equal reprs tell nothing."""
    registry = load([write("suspect", GOOD.replace('"good"', '"kvm-pv"'))])

    assert plugin(registry, "suspect").error.endswith(
        "offers a sender called 'kvm-pv' too; block one with -p no:NAME"
    )


def test_a_bundled_sender_keeps_its_name_against_a_plugin(write: Write) -> None:
    """Bundled plugins load first, so the newcomer is the broken one."""
    registry = load([write("suspect", GOOD.replace('"good"', '"kvm-pv"'))])

    assert registry.module_of["sender kvm-pv"] == "pvbench_send_kvm_pv"


def test_a_good_plugin_says_what_it_offers(write: Write) -> None:
    """`-p NAME` imports a module; its things are there like bundled ones."""
    registry = load([write("well_made", GOOD)])

    expected = Plugin(name="well_made", module="well_made", offers=("sender good",))

    assert expected == plugin(registry, "well_made")
    assert "good" in registry.overlays


def test_a_hook_may_answer_with_any_iterable(write: Write) -> None:
    """A generator is as good as a list."""
    registry = load([write("well_made", GOOD.replace("return [Good()]", "yield Good()"))])

    assert "good" in registry.senders


def test_an_empty_answer_is_fine(write: Write) -> None:
    """A plugin may have nothing to offer here."""
    registry = load([write("well_made", GOOD.replace("[Good()]", "()"))])

    assert ("ok", ()) == (
        plugin(registry, "well_made").state,
        plugin(registry, "well_made").offers,
    )


def test_a_module_nobody_has_is_broken_not_fatal() -> None:
    """A typo after -p costs that plugin only."""
    registry = load(["there_is_no_such_plugin"])

    assert [p.error for p in registry.broken] == [
        "ModuleNotFoundError: No module named 'there_is_no_such_plugin'"
    ]


def test_all_bundled_plugins_load() -> None:
    """The menu in pyproject.toml is complete and nothing in it is broken."""
    registry = load()

    assert ([], SENDERS) == (
        [p.error for p in registry.broken],
        list(registry.senders),
    )


def test_drivers_have_complete_tables_and_overlays_the_rest() -> None:
    """A driver is a sender with every callback."""
    registry = load()

    assert sorted(registry.drivers) == [
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
    assert ("blocked", "", ()) == (
        plugin(registry, "send-kvm-pv").state,
        plugin(registry, "send-kvm-pv").error,
        plugin(registry, "send-kvm-pv").offers,
    )


def test_blocking_frees_the_name(write: Write) -> None:
    """The way out of a duplicate name."""
    module = write("well_made", GOOD.replace('"good"', '"kvm-pv"'))

    registry = load(["no:send-kvm-pv", module])

    assert registry.module_of["sender kvm-pv"] == "well_made"


def test_blocking_an_unknown_name_is_an_error() -> None:
    """A typo must not silently block nothing."""
    with pytest.raises(
        UsageError, match=r"no plugin called 'send-kvm-pw'. Did you mean 'send-kvm-pv'\?"
    ):
        load(["no:send-kvm-pw"])


def test_strict_makes_a_broken_plugin_an_error(write: Write) -> None:
    """With the plugin, its error and the way to go on without it."""
    with pytest.raises(
        UnavailableError,
        match=r"plugin suspect \(- -\) is broken: it has no hook\. Block it: -p no:suspect\.",
    ):
        load([write("suspect", HEADER)], strict=True)


def test_an_unknown_thing_mentions_broken_plugins(write: Write) -> None:
    """The sender asked for may be in the plugin that failed."""
    registry = load([write("suspect", HEADER)])

    with pytest.raises(UsageError, match=r"no sender called 'acme'.*Broken.*: suspect"):
        registry.get("sender", "acme")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("kvm-pv", r"'kvm-pv' is no driver\. Write kvm-pv/x2apic-", id="overlay"),
        pytest.param("kvm-pv/shorthand", r"'shorthand' is no driver", id="two-overlays"),
        pytest.param("kvm-pv/x2apic", r"no sender called 'x2apic'", id="no-such-driver"),
        pytest.param("kvm/x2apic-cluster", r"no sender called 'kvm'", id="no-such-overlay"),
        pytest.param("", r"no sender called ''", id="empty"),
    ],
)
def test_a_stack_that_cannot_be_is_refused(name: str, message: str) -> None:
    """A stack is a driver, or an overlay, a slash and a driver."""
    with pytest.raises(UsageError, match=message):
        load().stack(name)
