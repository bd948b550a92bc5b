"""
The tolerant loader.

Plugins come from the entry-point group ``pvbench``, the bundled ones too.  What
fails to import, has no hook, a misspelt hook or another API number is listed as
broken with its distribution, version and error; nothing else suffers.

One pluggy manager holds them all, but each hook is called for one plugin at a time,
so that an error has an author.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import Distribution, EntryPoint, distributions
from types import ModuleType
from typing import Any, Final

import attrs
import pluggy

from pvbench import hookspecs
from pvbench.errors import PvbenchError, UnavailableError, unknown
from pvbench.hookspecs import PROJECT
from pvbench.plugin.importing import imported
from pvbench.plugin.registry import Plugin, Registry
from pvbench.plugin.validate import check_api, offers_of, register

AUTOLOAD_OFF: Final = "PVBENCH_DISABLE_PLUGIN_AUTOLOAD"


def load(
    options: Iterable[str] = (), *, strict: bool = False, own_only: bool = False
) -> Registry:
    """
    Load all plugins.

    Args:
        options: values of ``-p``: ``no:NAME`` blocks, ``NAME`` imports a module,
            ``./NAME.py`` a file.
        strict: a broken plugin is an error.
        own_only: of the installed plugins, the bundled ones only.

    Raises:
        UsageError: no plugin has a name that is to be blocked.
        UnavailableError: a plugin is broken, and *strict*.
    """
    options = tuple(options)
    blocked = {o.removeprefix("no:") for o in options if o.startswith("no:")}
    modules = [option for option in options if not option.startswith("no:")]
    registry = Registry()
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    for name in blocked:
        manager.set_blocked(name)
    own_only = own_only or bool(os.environ.get(AUTOLOAD_OFF))
    for plugin, importer in _candidates(modules, own_only=own_only):
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


def _check_blocked(blocked: set[str], registry: Registry) -> None:
    names = {plugin.name for plugin in registry.plugins}
    modules = {plugin.module for plugin in registry.plugins if plugin.state == "blocked"}
    if stray := sorted(blocked - names - modules):
        raise unknown("plugin", stray[0], names, "`pvbench plugins` lists the names.")


def _candidates(
    modules: Iterable[str], *, own_only: bool
) -> Iterator[tuple[Plugin, Callable[[], ModuleType]]]:
    """Bundled plugins first, then others by name, then those asked for."""
    for point, distribution, version in sorted(_entry_points(), key=_bundled_first):
        if own_only and distribution != PROJECT:
            continue
        plugin = Plugin(
            name=point.name,
            module=point.value,
            distribution=distribution,
            version=version,
        )
        yield plugin, point.load
    for module in modules:
        yield Plugin(name=module, module=module), partial(imported, module)


def _entry_points() -> Iterator[tuple[EntryPoint, str, str]]:
    """
    (entry point, distribution, version) of our group.

    Of the first distribution of each name: a folder may stand on the path twice.
    """
    seen = set()
    for found in distributions():
        points = [point for point in found.entry_points if point.group == PROJECT]
        name, version = _identity(found) if points else ("", "")
        if name and (key := re.sub(r"[-_.]+", "-", name).lower()) not in seen:
            seen.add(key)
            yield from ((point, name, version) for point in points)


def _identity(distribution: Distribution) -> tuple[str, str]:
    """Name and version; what a half-removed one is called nobody knows."""
    try:
        told = distribution.metadata
        return told["Name"] or "?", told["Version"] or "?"
    except Exception:  # no metadata at all
        return "?", "?"


def _bundled_first(candidate: tuple[EntryPoint, str, str]) -> tuple[bool, str, str]:
    point, distribution, _ = candidate
    return distribution != PROJECT, distribution, point.name


def _load_one(
    registry: Registry,
    manager: pluggy.PluginManager,
    plugin: Plugin,
    importer: Callable[[], ModuleType],
) -> Plugin:
    """Import, check, call the hooks; keep all that the plugin offers, or nothing."""
    if manager.is_blocked(plugin.name) or manager.is_blocked(plugin.module):
        return attrs.evolve(plugin, state="blocked")
    try:
        module = importer()
        _check_new(registry, manager, module)
        check_api(module)
        register(manager, module, plugin.name)
        offers = offers_of(manager, module)
        _check_names(registry, offers)
    except (Exception, SystemExit) as error:  # a plugin may fail in any way
        if manager.has_plugin(plugin.name):
            manager.unregister(name=plugin.name)
        return attrs.evolve(plugin, state="broken", error=_sentence(error))
    for kind, thing in offers:
        registry.add(kind, thing, plugin.module)
    return attrs.evolve(plugin, offers=tuple(f"{kind} {thing.name}" for kind, thing in offers))


def _check_new(registry: Registry, manager: pluggy.PluginManager, module: ModuleType) -> None:
    if name := manager.get_name(module):
        loaded = next(plugin for plugin in registry.plugins if plugin.name == name)
        raise ValueError(f"it is loaded already, as {loaded}")


def _check_names(registry: Registry, offers: Iterable[tuple[str, Any]]) -> None:
    for kind, thing in offers:
        if thing.name in registry.table(kind):
            other = next(p for p in registry.plugins if f"{kind} {thing.name}" in p.offers)
            raise ValueError(
                f"{other} offers a {kind} called {thing.name!r} too; block one with -p no:NAME"
            )


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    ours = isinstance(error, PvbenchError) or type(error) is ValueError
    return text if ours else f"{type(error).__name__}: {text}"
