"""Modules by name, or by the path of a file, and the delivery that a module offers."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Final

from pvbench.delivery import Delivery
from pvbench.errors import UnavailableError

FILE_PREFIX: Final = "pvbench_file_"  # of the name of a module that is given as a file

_LARGEST: Final = 1 << 22  # bytes of a file


def imported(module: str) -> ModuleType:
    """
    Import ``a.b``, or run ``./a.py`` as a module of its own.

    Raises:
        Exception: the module raises it.
    """
    if not module.endswith(".py"):
        return importlib.import_module(module)
    path = os.path.realpath(module)
    if os.path.exists(path) and not os.path.isfile(path):  # a FIFO would wait for a writer
        raise ImportError(f"{module} is not a regular file")
    if os.path.exists(path) and os.path.getsize(path) > _LARGEST:  # Python would read it all
        raise ImportError(f"{module} has more than {_LARGEST} bytes")
    return _imported_file(path)


def _imported_file(path: str) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location  # slow; few need it

    name = FILE_PREFIX + os.path.splitext(os.path.basename(path))[0]
    spec = spec_from_file_location(name, path)
    assert spec is not None  # noqa: S101 - it ends in .py
    assert spec.loader is not None  # noqa: S101 - so Python has a loader for it
    loaded = module_from_spec(spec)
    sys.modules[name] = loaded  # as for any import: dataclasses look there
    spec.loader.exec_module(loaded)
    return loaded


def delivery_of(module: str, name: str) -> Delivery:
    """
    Import *module*, the absolute path of a file or a name, for its delivery called *name*.

    Raises:
        UnavailableError: the site does not have the file.
    """
    if module.endswith(".py") and not os.path.isfile(module):
        raise UnavailableError(
            f"{name} cannot be used here",
            why=f"the site has no file {module}",
            fix="Copy it to the site under that path, or install it there and here.",
        )
    deliveries: list[Delivery] = imported(module).pvbench_deliveries()
    return next(delivery for delivery in deliveries if delivery.name == name)
