"""`pvbench` hands out the names of the plugin interface, and imports each on first use."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pvbench

SOURCE = Path(pvbench.__file__).read_text()


def typed_names() -> dict[str, str]:
    """Name and module of each import under ``if TYPE_CHECKING``."""
    return {
        alias.name: node.module or ""
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pvbench.")
        for alias in node.names
    }


def lazy_names() -> dict[str, str]:
    """Name and module of each name that `__getattr__` serves."""
    homes: dict[str, tuple[str, ...]] = vars(pvbench)["_HOMES"]
    return {name: f"pvbench.{module}" for module, names in homes.items() for name in names}


def test_the_three_lists_of_public_names_agree() -> None:
    """What a type checker sees, what ``import *`` gives, and what exists at run time."""
    assert lazy_names() == typed_names()
    assert sorted(pvbench.__all__) == sorted(typed_names())


@pytest.mark.parametrize("name", pvbench.__all__)
def test_each_public_name_is_the_object_its_module_defines(name: str) -> None:
    """A name cannot be served from a module that lacks it."""
    module = __import__(typed_names()[name], fromlist=[name])

    assert getattr(pvbench, name) is getattr(module, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """hasattr() and mistyped imports must work as for any module."""
    with pytest.raises(AttributeError, match="module 'pvbench' has no attribute 'Sendr'"):
        vars(pvbench)["__getattr__"]("Sendr")


def test_importing_pvbench_imports_no_submodule() -> None:
    """``pvbench --help`` and a worker pay only for what they use."""
    code = "import sys, pvbench; print([m for m in sys.modules if m.startswith('pvbench.')])"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert output.stdout == "[]\n"
