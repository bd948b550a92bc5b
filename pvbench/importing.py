"""Modules by name, or by the path of a file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

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
    path = Path(module).resolve()
    if path.exists() and not path.is_file():  # opening a FIFO would wait for a writer
        raise ImportError(f"{module} is not a regular file")
    if path.exists() and path.stat().st_size > _LARGEST:  # Python would read all of it
        raise ImportError(f"{module} has more than {_LARGEST} bytes")
    name = f"{FILE_PREFIX}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # noqa: S101 - it ends in .py
    assert spec.loader is not None  # noqa: S101 - so Python has a loader for it
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded  # as for any import: dataclasses look there
    spec.loader.exec_module(loaded)
    return loaded
