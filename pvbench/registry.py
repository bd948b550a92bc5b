"""
The tolerant loader: plugins in, one typed facade out.

Plugins come from the entry-point group ``pvbench``, the bundled ones too.  What
fails to import, has no hook, a misspelt hook or another API number is listed as
broken with its distribution, version and error; nothing else suffers.
"""

from __future__ import annotations

import inspect
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
from pvbench.delivery import Delivery
from pvbench.errors import UnavailableError, UsageError, unknown
from pvbench.hookspecs import API, PROJECT
from pvbench.modules import imported
from pvbench.sender import MECHANISMS, Driver, Sender, Stack
from pvbench.site import Site
from pvbench.suite import Suite
from pvbench.topology import HYPERCALL_ABIS
from pvbench.workload import Workload

AUTOLOAD_OFF: Final = "PVBENCH_DISABLE_PLUGIN_AUTOLOAD"
HOOKS: Final = {
    "pvbench_workloads": "workload",
    "pvbench_senders": "sender",
    "pvbench_deliveries": "delivery",
    "pvbench_sites": "site",
    "pvbench_suites": "suite",
}


@attrs.frozen(kw_only=True)
class Plugin:
    """
    A plugin and how loading it went.

    Args:
        name: entry-point name, or the module name of one given by ``-p``.
        state: ``ok``, ``broken`` or ``blocked`` (by ``-p no:NAME``).
        offers: ``kind name`` of everything it brought.
    """

    name: str
    module: str
    distribution: str = "-"
    version: str = "-"
    state: str = "ok"
    error: str = ""
    offers: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.distribution == "-":  # given by ``-p``
            return self.name
        return f"{self.name} ({self.distribution} {self.version})"


@attrs.define
class Registry:
    """What the loaded plugins offer, by name; sorted, so order never depends on them."""

    plugins: list[Plugin] = attrs.field(factory=list)
    senders: dict[str, Sender] = attrs.field(factory=dict)
    workloads: dict[str, Workload] = attrs.field(factory=dict)
    deliveries: dict[str, Delivery] = attrs.field(factory=dict)
    sites: dict[str, Site] = attrs.field(factory=dict)
    suites: dict[str, Suite] = attrs.field(factory=dict)
    module_of: dict[str, str] = attrs.field(factory=dict)

    @property
    def broken(self) -> list[Plugin]:
        """Plugins that could not be loaded."""
        return [plugin for plugin in self.plugins if plugin.state == "broken"]

    def table(self, kind: str) -> dict[str, Any]:
        """Everything of one kind, by name."""
        tables: dict[str, dict[str, Any]] = {
            "sender": self.senders,
            "workload": self.workloads,
            "delivery": self.deliveries,
            "site": self.sites,
            "suite": self.suites,
        }
        return tables[kind]

    def get(self, kind: str, name: str) -> Any:
        """
        One thing by kind and name.

        Raises:
            UsageError: nobody offers it; broken plugins are mentioned.
        """
        table = self.table(kind)
        if name in table:
            return table[name]
        plural = {"delivery": "deliveries"}.get(kind, f"{kind}s")
        listing = f"`pvbench list {plural}` shows all."
        if self.broken:
            names = ", ".join(str(plugin) for plugin in self.broken)
            listing += f" Broken plugins, see `pvbench plugins`: {names}."
        raise unknown(kind, name, table, listing)

    def workload(self, spec: str) -> Workload:
        """The workload written ``NAME`` or ``NAME:VALUE:...``."""
        name, *values = spec.split(":")
        found: Workload = self.get("workload", name)
        return found.bind(values)

    def suite(self, name: str) -> Suite:
        """The suite called *name*."""
        found: Suite = self.get("suite", name)
        return found

    def suite_of(self, file: str) -> Suite:
        """
        The suite of the plugin given as a file.

        Raises:
            UsageError: it is broken, or offers no suite or several.
        """
        plugin = next(p for p in self.plugins if p.name == file)
        if plugin.state != "ok":
            raise UsageError(f"{file} cannot be used", why=f"as a plugin it is {plugin.state}")
        names = [o.removeprefix("suite ") for o in plugin.offers if o.startswith("suite ")]
        if len(names) != 1:
            raise UsageError(
                f"{file} offers {', '.join(names) or 'no suite'}, not one suite",
                fix=f"Name one: pvbench run NAME -p {file}." if names else "",
            )
        return self.suites[names[0]]

    def origin(self, kind: str, name: str) -> str:
        """Distribution and version of the plugin that offers it."""
        offer = f"{kind} {name}"
        plugin = next(p for p in self.plugins if offer in p.offers)
        return f"{plugin.distribution} {plugin.version}"

    @property
    def drivers(self) -> dict[str, Driver]:
        """Senders with a complete table."""
        return {n: s for n, s in self.senders.items() if isinstance(s, Driver)}

    @property
    def overlays(self) -> dict[str, Sender]:
        """Senders to be laid over a driver."""
        return {n: s for n, s in self.senders.items() if not isinstance(s, Driver)}

    def stack(self, name: str) -> Stack:
        """The stack written ``overlay/driver`` or ``driver``."""
        overlay, _, driver = name.rpartition("/")
        bottom = self.get("sender", driver)
        if not isinstance(bottom, Driver):
            raise UsageError(
                f"{driver!r} is no driver", fix=f"Write {driver}/x2apic-physical, say."
            )
        top = self.get("sender", overlay) if overlay else None
        if isinstance(top, Driver):
            raise UsageError(f"{overlay!r} is a driver", fix="Only overlays go over a driver.")
        return Stack(bottom, top)


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
        _check_api(module)
        manager.register(module, plugin.name)
        manager.check_pending()
        offers = _offers(module)
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


def _check_api(module: ModuleType) -> None:
    api = getattr(module, "pvbench_api", None)
    if api != API:
        raise ValueError(f"pvbench_api is {api!r}, this pvbench needs {API}")
    for name, value in vars(module).items():
        if name.startswith("pvbench_") and inspect.isfunction(value):
            if name not in HOOKS:
                raise ValueError(f"there is no hook called {name!r}")
            if not hasattr(value, f"{PROJECT}_impl"):
                raise ValueError(f"{name} lacks @hookimpl")
            if inspect.signature(value).parameters:
                raise ValueError(f"{name} takes arguments, the hook gives none")
    if not any(name in HOOKS for name in vars(module)):
        raise ValueError("it has no hook")


def _offers(module: ModuleType) -> list[tuple[str, Any]]:
    """
    (kind, thing) of everything the hooks of *module* answer.

    One plugin at a time and not through the manager, which would drop a forgotten
    return and not say whose error it is.
    """
    found: list[tuple[str, Any]] = []
    for hook, kind in HOOKS.items():
        if hook in vars(module):
            answer = getattr(module, hook)()
            if answer is None:
                raise ValueError(f"{hook} returns None; return () for nothing")
            found += [(kind, thing) for thing in answer]
    for kind, thing in found:
        check_thing(kind, thing)
    names = [f"{kind} called {thing.name!r}" for kind, thing in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"it offers a {twice[0]} twice")
    return found


def check_thing(kind: str, thing: Any) -> None:
    """
    What a plugin may offer as a *kind*.

    Raises:
        ValueError: not this.
    """
    name = getattr(thing, "name", None)
    if not isinstance(name, str):
        raise ValueError(f"it offers a {kind} without a name: {thing!r}")
    if not isinstance(getattr(thing, "summary", None), str):
        raise ValueError(f"it offers a {kind} without a summary: {name!r}")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.:-]*", name) or name == "native":
        raise ValueError(f"it offers a {kind} called {name!r}: not lower case with dashes")
    wanted = {"sender": Sender, "workload": Workload, "suite": Suite}.get(kind, object)
    if not isinstance(thing, wanted):
        raise ValueError(f"it offers a {kind} that is no {wanted.__name__}: {thing!r}")
    if isinstance(thing, Sender):
        _check_sender(thing)
    if isinstance(thing, Workload):
        _check_workload(thing)


def _check_sender(sender: Sender) -> None:
    for field, value, known in (
        ("mechanism", sender.mechanism, MECHANISMS),
        ("hypercall_abi", sender.hypercall_abi, (None, *HYPERCALL_ABIS)),
    ):
        if value not in known:
            choices = ", ".join(map(str, known))
            raise ValueError(f"{sender.name}.{field} is {value!r}, not one of {choices}")


def _check_workload(workload: Workload) -> None:
    if ":" in workload.name:
        raise ValueError(f"workload {workload.name!r} has a colon: parameters stand there")
    first = next(iter(workload.parameters.values()), 0)
    if type(first) is not int:
        raise ValueError(f"the first parameter of {workload.name} is {first!r}, no number")
    _, *defaults = workload.spec.split(":")
    if workload.bind(defaults) != workload:
        raise ValueError(f"nobody can write the defaults of {workload.name}: {workload.spec}")


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if type(error) is ValueError else f"{type(error).__name__}: {text}"
