"""
Defaults of long options, from ``[tool.pvbench]`` in the nearest pyproject.toml.

They are inserted before the user's arguments: ``guest = ["dense:64"]`` becomes
``--guest dense:64``, unless the user gives an option that excludes it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pvbench.cli.common import cpu_list, names
from pvbench.cli.options import by_name, is_repeatable
from pvbench.errors import UsageError, not_readable, unknown

_LARGEST: Final = 1 << 20  # bytes of a pyproject.toml
_PLUGINS: Final = "plugins"  # the one option without a long name
_MARGINS: Final = "margins"  # values of --margin by the cases that they are for
_TYPED_ONLY: Final = {"exit"}  # it changes how errors of the command line itself end
_INSTEAD: Final = (
    ("guest", "vcpus"),
    ("fast", "rigorous"),
    ("json", "csv", "format"),
    ("by", "beside"),
)
# A baseline is one of the sides of the table's --by; --beside ranks nothing.
_MEANT_FOR: Final = {
    "baseline": ["by", "beside"],
    "fail-above": ["beside"],
    "only": ["beside"],
}
_HELP: Final = {"-h", "--help"}


def with_defaults(
    words: Sequence[str], parsers: Mapping[str, argparse.ArgumentParser]
) -> list[str]:
    """
    The command line with the defaults of its command inserted.

    Raises:
        UsageError: the table names an option that no command has, or is not TOML.
    """
    if not words or words[0] not in parsers or _HELP.intersection(words):
        return list(words)
    path, table = _table()
    options = {name for parser in parsers.values() for name in _options(parser)}
    options = (options | {_PLUGINS, _MARGINS}) - _TYPED_ONLY
    for name in table:
        if name not in options:
            raise unknown("option", name, options, f"It is in [tool.pvbench] of {path}.")
    own = _options(parsers[words[0]])
    defaults = [
        argument
        for name, value in table.items()
        for argument in _arguments_of(name, value, own, words)
    ]
    return [words[0], *defaults, *words[1:]]


def _table() -> tuple[Path | None, dict[str, Any]]:
    """The nearest pyproject.toml in this folder or above, and its table."""
    try:
        folder = Path.cwd()
    except FileNotFoundError:  # the current folder was removed
        return None, {}
    for path in (parent / "pyproject.toml" for parent in (folder, *folder.parents)):
        if os.path.isfile(path):  # false without permission to look
            return path, _read(path)
    return None, {}


def _read(path: Path) -> dict[str, Any]:
    from pvbench.host.files import read_regular
    from pvbench.shapes import toml_value

    try:
        tools = toml_value(read_regular(path, _LARGEST)).get("tool", {})
    except OSError as error:
        raise not_readable(path, error) from None
    except ValueError as error:
        raise UsageError(f"{path} cannot be read", why=str(error)) from None
    table = tools.get("pvbench", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"[tool.pvbench] in {path} is not a table")
    if isinstance(costs := table.get("costs"), str) and costs.endswith(".toml"):
        table["costs"] = str(path.parent / costs)
    if _PLUGINS in table:
        table[_PLUGINS] = [_from(path.parent, plugin) for plugin in _listed(table[_PLUGINS])]
    return table


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _from(folder: Path, plugin: Any) -> str:
    """A plugin's name; a file is relative to the pyproject.toml."""
    if not isinstance(plugin, str):
        raise _wrong_value(_PLUGINS, plugin, "it is a list of names and files")
    return str(folder / plugin) if plugin.endswith(".py") else plugin


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The long options of a command, without dashes."""
    return {
        name[2:]: action
        for name, action in by_name(parser).items()
        if name.startswith("--") and name not in _HELP
    }


def _arguments_of(
    name: str, value: Any, options: dict[str, argparse.Action], words: Sequence[str]
) -> Iterator[str]:
    """*name* and *value* as command-line arguments."""
    if name == _PLUGINS and "strict-plugins" in options:
        for plugin in value:
            yield from ("-p", plugin)
        return
    if name == _MARGINS:
        name, value = "margin", _of_cases(value)
    if name not in options or any(_is_given(other, words) for other in _excluded_by(name)):
        return
    if options[name].nargs == 0:
        if not isinstance(value, bool):
            raise _wrong_value(name, value, "it is true or false")
        if value:
            yield f"--{name}"
        return
    if options[name].type is names and any(isinstance(item, float) for item in _listed(value)):
        raise _wrong_value(name, value, "it takes text, as a number loses zeros at its end")
    texts = [_text(name, item) for item in _listed(value)]
    if is_repeatable(options[name]):
        yield from (f"--{name}={text}" for text in texts)
    elif len(texts) == 1 or options[name].type in (names, cpu_list):
        yield f"--{name}={','.join(texts)}"
    else:
        raise _wrong_value(name, value, "it takes one value")


def _of_cases(margins: Any) -> list[str]:
    """Margins with the cases they are for, as --margin takes them."""
    if not isinstance(margins, dict):
        raise _wrong_value(_MARGINS, margins, "it is a table of cases and percentages")
    return [f"{cases}={_text(_MARGINS, percent)}" for cases, percent in margins.items()]


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _wrong_value(name, value, "it takes text or a number")
    return str(value)


def _wrong_value(name: str, value: Any, why: str) -> UsageError:
    return UsageError(f"[tool.pvbench] {name} is {value!r}", why=why)


def _excluded_by(name: str) -> list[str]:
    group = next((group for group in _INSTEAD if name in group), (name,))
    return [*group, *_MEANT_FOR.get(name, [])]


def _is_given(name: str, words: Sequence[str]) -> bool:
    return any(word == f"--{name}" or word.startswith(f"--{name}=") for word in words)
