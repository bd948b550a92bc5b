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
from typing import Any

import attrs
import pluggy

from pvbench import hookspecs
from pvbench.errors import PluginError, PvbenchError, UnavailableError, unknown
from pvbench.hookspecs import PROJECT
from pvbench.importing import imported
from pvbench.plugin.entry_points import Candidate, candidates
from pvbench.plugin.guard import guarded, limit_s
from pvbench.plugin.registry import Plugin, Registry
from pvbench.plugin.validate import check_api, offers_of, register
from pvbench.text import one_line


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
    manager = new_manager(blocked)
    for plugin, importer in _sources(_given(modules), manager, own_only=own_only):
        if plugin.brings_command and not commands:
            registry.plugins.append(attrs.evolve(plugin, state="not loaded"))
        elif not _is_loaded(plugin, registry):
            registry.plugins.append(load_one(registry, manager, plugin, importer))
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


def new_manager(blocked: Iterable[str] = ()) -> pluggy.PluginManager:
    """A manager that has the hooks of pvbench; plugins called *blocked* cannot join it."""
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
        plugin = plugin_of(candidate)
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


def plugin_of(candidate: Candidate) -> Plugin:
    """The plugin of an entry point, before it is loaded."""
    return Plugin(
        name=candidate.point.name,
        module=candidate.point.value,
        distribution=candidate.distribution,
        version=candidate.version,
    )


def load_one(
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
