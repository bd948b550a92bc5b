"""Write a distribution with one sender, from templates."""

from __future__ import annotations

import importlib.util
import json
import keyword
import re
from collections.abc import Container
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from shlex import quote
from typing import Final

from pvbench.errors import UsageError, not_writable

# The sender in the templates; its name is replaced in all three spellings.
_NAME: Final = "kvm-pv-sorted"
_TEMPLATES: Final = {
    "README.md": "README.md.txt",
    "pyproject.toml": "pyproject.toml.txt",
    "tox.ini": "tox.ini.txt",
    "{module}.py": "sender.py.txt",
    "test_{module}.py": "test_sender.py.txt",
}


def write(name: str, into: Path, senders: Container[str]) -> Path:
    """
    Create the directory *into*/*name* with a working distribution.

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
            path = folder / target.format(module=_module(name))
            text = _renamed(_template(template), name).replace("{pvbench}", requirement())
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise not_writable(folder, error) from None
    return folder


def next_steps(folder: Path, name: str) -> str:
    """The commands to run next, the last of which compares the new sender."""
    return _template("next.txt").format(folder=quote(str(folder)), name=name)


def requirement() -> str:
    """What pip needs to install this pvbench: where it is from (PEP 610), or its name."""
    origin = json.loads(distribution("pvbench").read_text("direct_url.json") or "{}")
    if not origin:
        return "pvbench"
    if vcs := origin.get("vcs_info"):
        return f"pvbench @ {vcs['vcs']}+{origin['url']}@{vcs['commit_id']}"
    return f"pvbench @ {origin['url']}"


def _template(name: str) -> str:
    return (files("pvbench.plugin") / "templates" / name).read_text(encoding="utf-8")


def _check_name(name: str, senders: Container[str]) -> None:
    """Refuse a name that cannot name a sender, a distribution and a module."""
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
