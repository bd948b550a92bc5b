"""A distribution with one sender, to start from."""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Container
from importlib.resources import files
from pathlib import Path
from typing import Final

from pvbench.errors import UsageError, not_writable

# What the templates are written for; all three names become the reader's own.
_NAME: Final = "kvm-pv-sorted"
_TEMPLATES: Final = {
    "pyproject.toml": "pyproject.toml.txt",
    "{module}.py": "sender.py.txt",
    "test_{module}.py": "test_sender.py.txt",
}


def write(name: str, into: Path, senders: Container[str]) -> Path:
    """
    Make the directory *into*/*name* with a distribution that works.

    Args:
        name: of the sender and of its distribution.
        into: where the directory goes.
        senders: names that are taken.

    Raises:
        UsageError: the name cannot be used, or the directory exists.
        UnavailableError: it cannot be written.
    """
    folder = into / name
    _check_name(name, senders)
    if folder.exists():
        raise UsageError(f"{folder} exists", fix="Give another name, or --into DIR.")
    try:
        folder.mkdir(parents=True)
        for target, template in _TEMPLATES.items():
            text = (files("pvbench.plugin") / "templates" / template).read_text(
                encoding="utf-8"
            )
            path = folder / target.format(module=_module(name))
            path.write_text(_renamed(text, name), encoding="utf-8")
    except OSError as error:
        raise not_writable(folder, error) from None
    return folder


def _check_name(name: str, senders: Container[str]) -> None:
    """It becomes the name of a sender, a distribution and a module."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(
            f"a sender cannot be called {name!r}",
            fix=f"Write lower case with dashes, like {_NAME}.",
        )
    if name in senders or name == "native":
        raise UsageError(f"there is a sender called {name!r}", fix="Choose another name.")
    module = _module(name)
    if keyword.iskeyword(module) or importlib.util.find_spec(module):
        raise UsageError(
            f"{name!r} cannot be a module's name: Python has {module!r}",
            fix="Choose another name.",
        )


def _module(name: str) -> str:
    return name.replace("-", "_")


def _class(name: str) -> str:
    return name.title().replace("-", "")


def _renamed(text: str, name: str) -> str:
    for form in (str, _module, _class):
        text = text.replace(form(_NAME), form(name))
    return text
