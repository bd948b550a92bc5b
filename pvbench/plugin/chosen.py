"""
Load only the plugins that bring one command, one format, or the texts of other benchmarks.

Their entry points say by their names which plugins these are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Final

from pvbench.benchmark_text import BenchmarkText
from pvbench.command import Command
from pvbench.document import Document
from pvbench.errors import UnavailableError, unknown
from pvbench.formats import CORE
from pvbench.importing import imported
from pvbench.plugin.entry_points import (
    BENCHMARK_PREFIX,
    COMMAND_PREFIX,
    FORMAT_PREFIX,
    bringing,
)
from pvbench.plugin.guard import guarded, owner_of
from pvbench.plugin.loader import load_one, new_manager, plugin_of
from pvbench.plugin.registry import Plugin, Registry

_FORMATS: Final = f"Formats: {', '.join(CORE)}, and those of `pvbench list formats`."


def load_command(name: str) -> Command:
    """
    Load the one plugin that brings the command called *name*.

    Raises:
        KeyError: no plugin has an entry point for it.
        UnavailableError: the plugin is broken, or does not offer the command.
    """
    candidate = bringing(COMMAND_PREFIX)[name]
    command: Command = _only(plugin_of(candidate), candidate.point.load, "command", name)
    return command


def load_format(name: str) -> Callable[[Document, int], str]:
    """
    Load the one plugin that brings the format called *name*, or the file ``./NAME.py``.

    Return a function that prints a document.

    Raises:
        UsageError: there is no such format.
        UnavailableError: the plugin is broken, or does not offer the format.
    """
    if name.endswith(".py"):
        plugin = Plugin(name=name, module=name)
        chosen = _only(plugin, partial(imported, name), "format")
    else:
        brought = bringing(FORMAT_PREFIX)
        if name not in brought:
            raise unknown("format", name, [*CORE, *brought], _FORMATS)
        candidate = brought[name]
        chosen = _only(plugin_of(candidate), candidate.point.load, "format", name)

    def render(document: Document, width: int) -> str:
        with guarded(f"format {chosen.name}", partial(owner_of, chosen.render)):
            return str(chosen.render(document, width))

    return render


def _only(plugin: Plugin, importer: Callable[[], ModuleType], kind: str, name: str = "") -> Any:
    """
    Load one plugin for the thing of *kind* that it offers, called *name* if that matters.

    Raises:
        UnavailableError: it is broken, or does not offer it.
    """
    registry = Registry()
    plugin = load_one(registry, new_manager(), plugin, importer)
    message = " ".join(filter(None, (kind, name, f"of plugin {plugin} cannot be used")))
    if plugin.state == "broken":
        raise UnavailableError(message, why=plugin.error)
    offers = registry.table(kind)
    if name not in offers and (name or len(offers) != 1):
        listing = ", ".join(plugin.offers) or "nothing"
        raise UnavailableError(message, why=f"the plugin offers {listing}")
    return offers[name] if name else next(iter(offers.values()))


def load_benchmark_texts() -> dict[str, BenchmarkText]:
    """The texts of other benchmarks that plugins read; a broken plugin has none."""
    registry, manager = Registry(), new_manager()
    for candidate in bringing(BENCHMARK_PREFIX).values():
        plugin = load_one(registry, manager, plugin_of(candidate), candidate.point.load)
        registry.plugins.append(plugin)
    return registry.table("benchmark")
