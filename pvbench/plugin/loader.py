"""
Load plugins; a broken one does not affect the others.

All plugins, the bundled ones too, come from the entry-point group ``pvbench``.  A plugin
that fails to import, has no hook, a misspelt hook or another API number is listed as
broken with its distribution, version and error.  A file given by ``-p`` replaces the
installed plugin whose module it is.

One pluggy manager holds all plugins, but each hook is called for one plugin at a time,
so that an error names its plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import attrs
import pluggy

from pvbench import hookspecs
from pvbench.command import Command
from pvbench.document import Document
from pvbench.errors import PluginError, PvbenchError, UnavailableError, unknown
from pvbench.formats import CORE
from pvbench.hookspecs import PROJECT
from pvbench.importing import imported
from pvbench.plugin.entry_points import (
    COMMAND_PREFIX,
    FORMAT_PREFIX,
    Candidate,
    bringing,
    candidates,
)
from pvbench.plugin.guard import guarded, limit_s, owner_of
from pvbench.plugin.registry import Plugin, Registry
from pvbench.plugin.validate import check_api, offers_of, register
from pvbench.text import one_line

_FORMATS: Final = f"Formats: {', '.join(CORE)}, and those of `pvbench list formats`."


def load(
    options: Iterable[str] = (),
    *,
    strict: bool = False,
    own_only: bool = False,
    commands: bool = False,
) -> Registry:
    """
    Load all plugins.

    Args:
        options: values of ``-p``: ``no:NAME`` blocks, ``NAME`` imports a module,
            ``./NAME.py`` a file.
        strict: a broken plugin is an error.
        own_only: of the installed plugins, the bundled ones only.
        commands: import the plugins that bring commands too.

    Raises:
        UsageError: a name to block is no plugin's, or the limit of plugins is not a number.
        UnavailableError: a plugin is broken, and *strict*.
    """
    limit_s()  # a wrong limit is the user's error, not that of each plugin
    options = tuple(options)
    blocked = {o.removeprefix("no:") for o in options if o.startswith("no:")}
    modules = [option for option in options if not option.startswith("no:")]
    registry = Registry()
    manager = _manager(blocked)
    for plugin, importer in _sources(_given(modules), manager, own_only=own_only):
        if plugin.brings_command and not commands:
            registry.plugins.append(attrs.evolve(plugin, state="not loaded"))
        elif not _is_loaded(plugin, registry):
            registry.plugins.append(_load_one(registry, manager, plugin, importer))
    _check_blocked(blocked, registry)
    if strict and registry.broken:
        first = registry.broken[0]
        raise UnavailableError(
            f"plugin {first} is broken",
            why=first.error,
            fix=f"Block it: -p no:{first.name}.",
        )
    registry.sort()
    return registry


def load_command(name: str) -> Command:
    """
    Load the one plugin that brings the command called *name*.

    Raises:
        KeyError: no plugin has an entry point for it.
        UnavailableError: the plugin is broken, or does not offer the command.
    """
    candidate = bringing(COMMAND_PREFIX)[name]
    command: Command = _only(_plugin(candidate), candidate.point.load, "command", name)
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
        chosen = _only(_plugin(candidate), candidate.point.load, "format", name)

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
    plugin = _load_one(registry, _manager(()), plugin, importer)
    message = " ".join(filter(None, (kind, name, f"of plugin {plugin} cannot be used")))
    if plugin.state == "broken":
        raise UnavailableError(message, why=plugin.error)
    offers = registry.table(kind)
    if name not in offers and (name or len(offers) != 1):
        listing = ", ".join(plugin.offers) or "nothing"
        raise UnavailableError(message, why=f"the plugin offers {listing}")
    return offers[name] if name else next(iter(offers.values()))


def _manager(blocked: Iterable[str]) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    for name in blocked:
        manager.set_blocked(name)
    return manager


def _check_blocked(blocked: set[str], registry: Registry) -> None:
    names = {plugin.name for plugin in registry.plugins}
    accepted = {name for plugin in registry.plugins for name in plugin.names}
    if unknown_names := sorted(blocked - accepted):
        raise unknown("plugin", unknown_names[0], names, "`pvbench plugins` lists the names.")


def _given(modules: Iterable[str]) -> list[Plugin]:
    """The plugins of ``-p``; of a file that is given twice the last path counts."""
    files = {Path(m).resolve() if m.endswith(".py") else m: m for m in modules}
    return [Plugin(name=module, module=module) for module in files.values()]


def _sources(
    given: list[Plugin], manager: pluggy.PluginManager, *, own_only: bool
) -> Iterator[tuple[Plugin, Callable[[], ModuleType]]]:
    """Each plugin and how it is imported: installed ones, then those of ``-p``."""
    files = [p.name for p in given if p.name.endswith(".py") and not _is_blocked(p, manager)]
    for candidate in candidates(own_only=own_only):
        plugin = _plugin(candidate)
        replacing = next(filter(plugin.is_module_of, files), "")
        yield attrs.evolve(plugin, replaced_by=replacing), candidate.point.load
    for plugin in given:
        yield plugin, partial(imported, plugin.module)


def _is_blocked(plugin: Plugin, manager: pluggy.PluginManager) -> bool:
    return any(map(manager.is_blocked, plugin.names))


def _is_loaded(plugin: Plugin, registry: Registry) -> bool:
    """Whether ``-p`` names a module that has been imported as an installed plugin."""
    tried = {other.module for other in registry.plugins if other.state in ("ok", "broken")}
    return plugin.distribution == "-" and plugin.module in tried


def _plugin(candidate: Candidate) -> Plugin:
    return Plugin(
        name=candidate.point.name,
        module=candidate.point.value,
        distribution=candidate.distribution,
        version=candidate.version,
    )


def _load_one(
    registry: Registry,
    manager: pluggy.PluginManager,
    plugin: Plugin,
    importer: Callable[[], ModuleType],
) -> Plugin:
    """Import and check a plugin and call its hooks; an error discards all its offers."""
    if _is_blocked(plugin, manager):
        return attrs.evolve(plugin, state="blocked")
    if plugin.replaced_by:
        return attrs.evolve(plugin, state="replaced")
    try:
        with guarded("its import", plugin.owner):
            module = importer()
        with guarded("its registration", plugin.owner):
            _check_new(registry, manager, module)
            check_api(module)
            register(manager, module, plugin.name)
        offers = offers_of(manager, module, plugin.owner)
        _check_names(registry, offers)
    except PvbenchError as error:
        if manager.has_plugin(plugin.name):
            manager.unregister(name=plugin.name)
        return attrs.evolve(plugin, state="broken", error=one_line(str(error)))
    for kind, offer in offers:
        registry.add(kind, offer, plugin.importable)
    return attrs.evolve(plugin, offers=tuple(f"{kind} {offer.name}" for kind, offer in offers))


def _check_new(registry: Registry, manager: pluggy.PluginManager, module: ModuleType) -> None:
    if name := manager.get_name(module):
        loaded = next(plugin for plugin in registry.plugins if plugin.name == name)
        raise PluginError(f"it is loaded already, as {loaded}")


def _check_names(registry: Registry, offers: Iterable[tuple[str, Any]]) -> None:
    for kind, offer in offers:
        if offer.name in registry.table(kind):
            other = next(p for p in registry.plugins if f"{kind} {offer.name}" in p.offers)
            raise PluginError(
                f"{other} offers a {kind} called {offer.name!r} too; block one with -p no:NAME"
            )
