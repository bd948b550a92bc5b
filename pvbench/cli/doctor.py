"""Print facts of this machine, and the deliveries that can run here or why they cannot."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pvbench import notices
from pvbench.cli import common
from pvbench.errors import PvbenchError, Status
from pvbench.formats import output_options
from pvbench.text import counted

if TYPE_CHECKING:
    from pvbench.delivery import Description
    from pvbench.document import Document
    from pvbench.plugin.registry import Registry
    from pvbench.site import Session

_PACKAGES = ("pvbench", "pyperf", "pluggy", "attrs", "numpy")

_HERE = "local"  # the site whose host is this machine
HELP = "check this machine and installation"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench doctor`."""
    parser.add_argument("--site", default=_HERE, help="site whose host is described (local)")
    parser.add_argument(
        "--no-probe", action="store_true", help="do not compile, boot or probe anything"
    )
    output_options(parser)
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """One row for each fact, and what would make timing steadier."""
    from pvbench.site import SiteOptions, opened

    registry = common.registry(options)
    site = registry.site(options.site)
    probe = not options.no_probe
    with opened(site, SiteOptions(probe=probe)) as session:
        host = _described(session, registry, probe=probe)
    place = {"results go to": _results()} if site.name == _HERE else {}
    facts = _facts(registry) | host.facts
    common.show(_document(host.abilities | place, host.advice, facts), options)
    return Status.ENVIRONMENT if registry.broken else Status.OK


def _facts(registry: Registry) -> dict[str, str]:
    from importlib.metadata import version

    facts = {package: version(package) for package in _PACKAGES}
    facts["python"] = platform.python_version()
    broken_plugins = ", ".join(str(plugin) for plugin in registry.broken)
    facts["plugins"] = (
        f"broken: {broken_plugins}"
        if broken_plugins
        else f"{sum(plugin.state == 'ok' for plugin in registry.plugins)} loaded"
    )
    return facts


class _Host(NamedTuple):
    """
    The host of a site.

    Args:
        abilities: rows on what each delivery can do there.
    """

    abilities: dict[str, Any]
    facts: dict[str, str]
    advice: tuple[str, ...]


def _described(session: Session, registry: Registry, *, probe: bool) -> _Host:
    """Ask the site's first host about each delivery."""
    from pvbench.delivery import Options
    from pvbench.protocol import Describe

    abilities: dict[str, Any] = {}
    facts: dict[str, str] = {}
    advice: tuple[str, ...] = ()
    for name in registry.table("delivery"):
        module = registry.module_of[f"delivery {name}"]
        options = Options(wait=False, probe=probe, progress=sys.stderr.isatty())
        request = Describe(delivery=name, delivery_module=module, options=options)
        try:
            description = session.describe(session.hosts[0], request)
        except PvbenchError as error:
            reason = str(error).removeprefix(f"{name} cannot be used here: ")
            abilities[f"delivery {name}"] = f"no: {reason}"
            continue
        abilities |= _abilities(name, description)
        facts, advice = {"cpus": description.cpus} | description.host, description.advice
    return _Host(abilities, facts, advice)


def _abilities(name: str, description: Description) -> dict[str, Any]:
    """The facts and notes of a delivery, and the results of its probes."""
    rows: dict[str, Any] = {f"delivery {name}": "usable"}
    if description.probes is None:
        rows[f"delivery {name}"] = "not probed (--no-probe)"
    elif description.probes and all(description.probes.values()):
        rows[f"delivery {name}"] = f"no: {next(iter(description.probes.values()))}"
    rows |= {f"{name}: {fact}": value for fact, value in description.facts.items()}
    if description.notes:
        rows[f"{name}: notes"] = " ".join(description.notes)
    return rows | {
        f"{name}: {probe}": f"no: {reason}" if reason else "works"
        for probe, reason in (description.probes or {}).items()
    }


def _document(
    abilities: Mapping[str, Any], advice: tuple[str, ...], values: Mapping[str, Any]
) -> Document:
    """The deliveries come first, and the many facts of software and host last."""
    from pvbench.document import Document, Notes, facts
    from pvbench.host.facts import is_minor

    minor = {} if notices.is_verbose() else {n: v for n, v in values.items() if is_minor(n)}
    major = {name: value for name, value in values.items() if name not in minor}
    more = f"; pvbench -v doctor has {counted(len(minor), 'more parameter')} of KVM"
    title = "For steadier timing:"
    return Document(
        [
            facts(abilities),
            Notes(lines=advice, name="advice", title=title, bulleted=True),
            facts(major, title=f"Software and host{more if minor else ''}:"),
            facts(minor, shown=False),
        ]
    )


def _results() -> str:
    """The folder for the results of this machine, which is named after its CPU model."""
    from pvbench.host import name as host_name

    folder = Path("results") / host_name.name()
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    writable = os.access(existing, os.W_OK)
    return f"./{folder}" if writable else f"./{folder}, but {existing} cannot be written"
