"""
Print the modules that a worker of a delivery imports, as JSON.

As a program: python -P -m pvbench_site_lab.imports DELIVERY_MODULE
"""

from __future__ import annotations

import ast
import json
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

_ROOTS: Final = (
    "pvbench.run.worker",
    "pvbench.describe",
    "pvbench_site_lab.inside.init",
    "pvbench_site_lab.inside.agent",
    *("encodings.ascii", "encodings.latin_1", "encodings.utf_8", "traceback"),
)
# The interface of plugins; its imports are for their authors.
_NOT_FOLLOWED: Final = ("pvbench", "pvbench_site_lab")


def modules_of(delivery: str) -> dict[str, str]:
    """
    The file of each module that is imported by a worker of the module *delivery*.

    Imports inside functions of the core and of the delivery count too: nothing can be
    imported later that is not there.
    """
    for name in (*_ROOTS, delivery):
        import_module(name)
    for path in getattr(sys.modules[delivery], "__path__", ()):
        for module in pkgutil.walk_packages([path], f"{delivery}."):
            import_module(module.name)
    _follow(("pvbench.", f"{delivery}."), delivery)
    return {
        name: file
        for name, module in sorted(sys.modules.items())
        if name != "__main__" and (file := getattr(module, "__file__", None))
    }


def _follow(prefixes: tuple[str, ...], delivery: str) -> None:
    """Import what the loaded modules import inside of functions, until nothing is new."""
    followed: set[str] = set(_NOT_FOLLOWED)
    while (
        names := {n for n in sys.modules if n.startswith(prefixes) or n == delivery} - followed
    ):
        followed.update(names)
        for name in sorted(names):
            for imported in imports_in(sys.modules[name]):
                with suppress(ImportError):  # it is a name in a module, or for another system
                    import_module(imported)


def imports_in(module: ModuleType) -> Iterator[str]:
    """The modules that the source of *module* may import, except for its types only."""
    file = getattr(module, "__file__", None) or ""
    if not file.endswith(".py"):
        return
    tree = ast.parse(Path(file).read_bytes())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                yield from _names(node)


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


if __name__ == "__main__":
    print(json.dumps(modules_of(sys.argv[1])))
