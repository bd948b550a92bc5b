"""A broken plugin is listed with its error, and nothing else suffers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from helpers import bundled
from pvbench.registry import load

Write = Callable[[str, str], str]
pytestmark = pytest.mark.usefixtures("only_bundled")

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
BARE = GOOD.partition("class")[0]


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
        pytest.param(BARE, "it has no hook", id="no-hook"),
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
    source: str, error: str, write_plugin: Write
) -> None:
    """A plugin may fail in any way; everybody else's senders stay."""
    neighbour = write_plugin("neighbour", GOOD.replace('"good"', '"other"'))

    registry = load([write_plugin("suspect", source), neighbour])
    (suspect,) = [plugin for plugin in registry.plugins if plugin.name == "suspect"]

    assert sorted([*bundled().senders, "other"]) == list(registry.senders)
    assert ([plugin.name for plugin in registry.broken], suspect.offers) == (["suspect"], ())
    assert error in suspect.error


def test_a_duplicate_name_says_who_has_it_and_what_to_do(write_plugin: Write) -> None:
    """Both plugins are named: two equal reprs tell nothing."""
    (suspect,) = load([write_plugin("suspect", GOOD.replace('"good"', '"kvm-pv"'))]).broken

    assert suspect.error.endswith(
        "offers a sender called 'kvm-pv' too; block one with -p no:NAME"
    )


def test_a_bundled_sender_keeps_its_name_against_a_plugin(write_plugin: Write) -> None:
    """Bundled plugins load first, so the newcomer is the broken one."""
    registry = load([write_plugin("suspect", GOOD.replace('"good"', '"kvm-pv"'))])

    assert registry.module_of["sender kvm-pv"] == "pvbench_send_kvm_pv"


def test_a_module_nobody_has_is_broken_not_fatal() -> None:
    """A typo after -p costs that plugin only."""
    registry = load(["there_is_no_such_plugin"])

    assert [plugin.error for plugin in registry.broken] == [
        "ModuleNotFoundError: No module named 'there_is_no_such_plugin'"
    ]


def test_a_bundled_module_asked_for_again_stays_loaded_once() -> None:
    """-p of what is there already is refused by name, and costs nothing."""
    registry = load(["pvbench_send_kvm_pv"])

    assert [plugin.name for plugin in registry.broken] == ["pvbench_send_kvm_pv"]
    assert "kvm-pv" in registry.senders
