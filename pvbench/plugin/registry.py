"""Look up the things that loaded plugins offer, with their types."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import attrs

from pvbench.errors import PluginError, UsageError, unknown
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench.plugin.entry_points import COMMAND_PREFIX
from pvbench.plugin.guard import guarded, owner_of
from pvbench.plugin.kinds import KINDS, is_family, kind_of, missing_members
from pvbench.sender import Driver, Sender, Stack
from pvbench.site import Site
from pvbench.suite import Suite
from pvbench.workload import Workload


@attrs.frozen(kw_only=True)
class Plugin:
    """
    A plugin and the result of loading it.

    Args:
        name: entry-point name, or the module name of one given by ``-p``.
        state: ``ok``, ``broken``, ``blocked`` (by ``-p no:NAME``), ``replaced`` (by the
            file of the same module) or ``not loaded``, because it brings a command that
            is not the one that runs.
        offers: ``kind name`` of each thing it offers.
        replaced_by: the file given by ``-p`` that is used instead of it.
    """

    name: str
    module: str
    distribution: str = "-"
    version: str = "-"
    state: str = "ok"
    error: str = ""
    offers: tuple[str, ...] = ()
    replaced_by: str = ""

    @property
    def brings_command(self) -> bool:
        """Whether its entry point is that of a sub-command."""
        return self.name.startswith(COMMAND_PREFIX)

    @property
    def names(self) -> tuple[str, str, str]:
        """The names ``-p no:NAME`` accepts: name, module, and the name of a file."""
        return self.name, self.module, Path(self.name).name

    @property
    def importable(self) -> str:
        """Its module as any process imports it: a name, or the absolute path of a file."""
        return str(Path(self.module).resolve()) if self.module.endswith(".py") else self.module

    def is_module_of(self, file: str) -> bool:
        """Whether *file* is its module, or another version of it."""
        words = self.module.partition(":")[0].split(".")
        path = Path(file).resolve().with_suffix("")
        parts = path.parent.parts if path.name == "__init__" else path.parts
        return list(parts[-len(words) :]) == words

    def owner(self) -> tuple[str, str]:
        """The plugin in words and its name, for `pvbench.plugin.guard.guarded`."""
        return str(self), self.name

    def __str__(self) -> str:
        if self.distribution == "-":  # given by ``-p``
            return self.name
        return f"{self.name} ({self.distribution} {self.version})"


@attrs.define
class Registry:
    """
    The things that loaded plugins offer.

    Args:
        tables: for each kind the things by name, sorted when all plugins are loaded.
        module_of: what to import for ``kind name``, see `Plugin.importable`.
    """

    plugins: list[Plugin] = attrs.field(factory=list)
    tables: dict[str, dict[str, Any]] = attrs.field(
        factory=lambda: {kind.name: {} for kind in KINDS}
    )
    module_of: dict[str, str] = attrs.field(factory=dict)

    @property
    def broken(self) -> list[Plugin]:
        """Plugins that could not be loaded."""
        return [plugin for plugin in self.plugins if plugin.state == "broken"]

    @property
    def replaced(self) -> list[Plugin]:
        """Installed plugins instead of which a file is used."""
        return [plugin for plugin in self.plugins if plugin.state == "replaced"]

    def table(self, kind: str) -> dict[str, Any]:
        """Everything of one kind, by name."""
        return self.tables[kind]

    def add(self, kind: str, offer: Any, module: str) -> None:
        """Keep a thing that the plugin of *module* offers."""
        self.table(kind)[offer.name] = offer
        self.module_of[f"{kind} {offer.name}"] = module

    def sort(self) -> None:
        """Sort the things of each kind by name, so that no order depends on plugins."""
        self.tables = {kind: dict(sorted(table.items())) for kind, table in self.tables.items()}

    def get(self, kind: str, name: str) -> Any:
        """
        One thing by kind and name.

        Raises:
            UsageError: no plugin offers it; broken plugins are mentioned.
        """
        table = self.table(kind)
        if name in table:
            return table[name]
        listing = f"`pvbench list {kind_of(kind).plural}` shows all."
        if self.broken:
            names = ", ".join(str(plugin) for plugin in self.broken)
            listing += f" Broken plugins, see `pvbench plugins`: {names}."
        raise unknown(kind, name, table, listing)

    def workload(self, spec: str) -> Workload:
        """The workload written ``NAME`` or ``NAME:VALUE:...``."""
        name, *values = spec.split(":")
        workload: Workload = self.get("workload", name)
        return workload.bind(values)

    def workloads(self, spec: str, guest: Guest) -> list[Workload]:
        """The workloads written so: one, or the steps of a family that *guest* has."""
        name, *values = spec.split(":")
        family: Workload = self.get("workload", name)
        with guarded(f"workload {name}", lambda: owner_of(family.bursts)):
            return family.members(values, guest)

    def site(self, spec: str) -> Site:
        """
        The site written ``NAME``, or ``FAMILY:ADDRESS``.

        Raises:
            UsageError: there is no such site.
        """
        name, colon, address = spec.partition(":")
        offer = self.get("site", name)
        if is_family(offer) and not address:
            raise UsageError(f"site {name!r} needs an address", fix=f"Write {offer.form}.")
        if colon and not is_family(offer):
            raise UsageError(f"site {name!r} takes no address", fix=f"Write {name}.")
        site: Site = _site_at(offer, address) if is_family(offer) else offer
        return site

    def suite(self, name: str) -> Suite:
        """The suite called *name*."""
        suite: Suite = self.get("suite", name)
        return suite

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
        return self.suite(names[0])

    def origin(self, kind: str, name: str) -> str:
        """Distribution and version of the plugin that offers it."""
        offer = f"{kind} {name}"
        plugin = next(p for p in self.plugins if offer in p.offers)
        return f"{plugin.distribution} {plugin.version}"

    @property
    def senders(self) -> dict[str, Sender]:
        """All senders, drivers and overlays."""
        return self.table("sender")

    @property
    def drivers(self) -> dict[str, Driver]:
        """Senders with a complete table."""
        return {n: s for n, s in self.senders.items() if isinstance(s, Driver)}

    @property
    def overlays(self) -> dict[str, Sender]:
        """Senders to be laid over a driver."""
        return {n: s for n, s in self.senders.items() if not isinstance(s, Driver)}

    def native_driver(self, guest: Guest, linux: LinuxEra) -> Driver | None:
        """The driver that the kernel *linux* chooses in *guest*; None if there is none."""
        for driver in self.drivers.values():
            with guarded(f"sender {driver.name}", partial(owner_of, type(driver))):
                if driver.probe(guest, linux):
                    return driver
        return None

    def stack(self, name: str) -> Stack:
        """The stack written ``overlay/driver`` or ``driver``."""
        overlay, _, driver = name.rpartition("/")
        bottom = self.get("sender", driver)
        if not isinstance(bottom, Driver):
            raise UsageError(
                f"{driver!r} is not a driver", fix=f"Write {driver}/x2apic-physical, say."
            )
        top = self.get("sender", overlay) if overlay else None
        if isinstance(top, Driver):
            raise UsageError(f"{overlay!r} is a driver", fix="Only overlays go over a driver.")
        return Stack(bottom, top)


def _site_at(family: Any, address: str) -> Any:
    call = f"at() of site {family.name}"
    with guarded(call, partial(owner_of, type(family))):
        site = family.at(address)
    if missing := missing_members(kind_of("site").type, site):
        raise PluginError(f"{call} gives no site: it lacks {', '.join(missing)}")
    return site
