"""
The tolerant loader.

Plugins come from the entry-point group ``pvbench``, the bundled ones too.  What
fails to import, has no hook, a misspelt hook or another API number is listed as
broken with its distribution, version and error; nothing else suffers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import Distribution, EntryPoint, distributions
from types import ModuleType
from typing import Final

import attrs
import pluggy

from pvbench import hookspecs
from pvbench.errors import UnavailableError, unknown
from pvbench.hookspecs import PROJECT
from pvbench.plugin.importing import imported
from pvbench.plugin.registry import Plugin, Registry
from pvbench.plugin.validate import HOOKS, check_api, offers_of

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
        UsageError: a blocked name that nobody has.
        UnavailableError: a broken plugin if *strict*.
    """
    options = tuple(options)
    blocked = {o.removeprefix("no:") for o in options if o.startswith("no:")}
    registry = Registry()
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    names = set()
    own_only = own_only or bool(os.environ.get(AUTOLOAD_OFF))
    asked_for = [option for option in options if not option.startswith("no:")]
    for plugin, importer in _candidates(asked_for, own_only=own_only):
        names.add(plugin.name)
        if plugin.name in blocked or plugin.module in blocked:
            registry.plugins.append(attrs.evolve(plugin, state="blocked"))
            names.add(plugin.module)
        else:
            registry.plugins.append(_load_one(registry, manager, plugin, importer))
    if stray := sorted(blocked - names):
        raise unknown("plugin", stray[0], names, "`pvbench plugins` lists the names.")
    if strict and registry.broken:
        first = registry.broken[0]
        raise UnavailableError(
            f"plugin {first} is broken",
            why=first.error,
            fix=f"Block it: -p no:{first.name}.",
        )
    for kind in HOOKS.values():
        table = registry.table(kind)
        for name in sorted(table):
            table[name] = table.pop(name)
    return registry


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
    """Import, check, call the hooks; keep all or nothing."""
    try:
        module = importer()
        check_api(module)
        manager.register(module, plugin.name)
        manager.check_pending()
        offers = offers_of(module)
        taken = [o for o in offers if o[1].name in registry.table(o[0])]
        if taken:
            kind, thing = taken[0]
            other = next(p for p in registry.plugins if f"{kind} {thing.name}" in p.offers)
            raise ValueError(
                f"{other} offers a {kind} called {thing.name!r} too; block one with -p no:NAME"
            )
    except (Exception, SystemExit) as error:  # a plugin may fail in any way
        if manager.has_plugin(plugin.name):
            manager.unregister(name=plugin.name)
        return attrs.evolve(plugin, state="broken", error=_sentence(error))
    for kind, thing in offers:
        registry.table(kind)[thing.name] = thing
        registry.module_of[f"{kind} {thing.name}"] = plugin.module
    found = tuple(f"{kind} {thing.name}" for kind, thing in offers)
    return attrs.evolve(plugin, offers=found)


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if type(error) is ValueError else f"{type(error).__name__}: {text}"
