"""The table of kinds: one row and one hookspec for each kind."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Protocol

import pytest

from pvbench import hookspecs
from pvbench.delivery import Delivery
from pvbench.plugin.kinds import KINDS, Kind, members
from pvbench.plugin.registry import Registry
from support.helpers import bundled
from support.runs import Cli

SPECS = [
    name
    for name, value in vars(hookspecs).items()
    if hasattr(value, f"{hookspecs.PROJECT}_spec")
]


def test_kinds_and_hookspecs_are_the_same_in_the_same_order() -> None:
    """Without a hookspec a kind cannot be offered; without a row a hook is never called."""
    assert [kind.hook for kind in KINDS] == SPECS


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_hookspec_documents_its_result_and_an_example(kind: Kind) -> None:
    """An author reads nothing else."""
    spec = getattr(hookspecs, kind.hook)
    text = inspect.getdoc(spec) or ""

    assert ("Returns:" in text, "Example:" in text) == (True, True)
    assert kind.type.__name__ in str(inspect.signature(spec).return_annotation)


def test_the_registry_has_a_table_for_each_kind() -> None:
    """The tables follow from the rows."""
    assert list(Registry().tables) == [kind.name for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_can_be_listed(cli: Cli, kind: Kind) -> None:
    """The choices of `pvbench list` follow from the rows."""
    assert cli("list", kind.plural).status == 0


def test_every_bundled_thing_has_the_columns_of_its_kind() -> None:
    """Things of one kind share one table, so each has the same headings."""
    headings = {
        kind.name: {tuple(kind.columns(offer)) for offer in bundled().table(kind.name).values()}
        for kind in KINDS
    }

    assert {name: len(rows) for name, rows in headings.items() if len(rows) > 1} == {}


def test_the_members_of_a_protocol_are_its_attributes_and_methods() -> None:
    """Private names are not asked for."""

    class Asked(Protocol):
        name: str

        @property
        def summary(self) -> str: ...

        def run(self) -> None: ...

        def _private(self) -> None: ...

    assert members(Asked) == ["name", "summary", "run"]
    assert {"name", "summary", "boot"} <= set(members(Delivery))


def test_the_table_imports_no_interface_module() -> None:
    """`pvbench --help` needs the names of the kinds and nothing heavy."""
    code = "import pvbench.plugin.kinds, sys; print(*sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert {"attrs", "numpy", "pluggy", "pvbench.sender"} & set(output.stdout.split()) == set()
