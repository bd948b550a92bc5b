"""Say what this machine is, what can run here and what cannot, and why."""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from pvbench.cli import common
from pvbench.errors import PvbenchError, Status

if TYPE_CHECKING:
    from pvbench.delivery import Delivery
    from pvbench.plugin.registry import Registry

_PACKAGES = ("pvbench", "pyperf", "pluggy", "attrs", "numpy")

HELP = "check this machine and installation"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench doctor`."""
    common.output_options(parser)
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """One row for each fact, and what would make timing steadier."""
    from pvbench.host import facts as host_facts

    registry = common.registry(options)
    facts, advice = _facts(registry), host_facts.advice()
    if options.json:
        common.print_json({**facts, "advice": advice})
    else:
        _print(facts, advice, options.format)
    return Status.ENVIRONMENT if registry.broken else Status.OK


def _facts(registry: Registry) -> dict[str, str]:
    from importlib.metadata import version

    from pvbench.host import facts as host_facts
    from pvbench.host import name as host_name

    facts = {package: version(package) for package in _PACKAGES}
    facts["python"] = platform.python_version()
    broken = ", ".join(str(plugin) for plugin in registry.broken)
    facts["plugins"] = (
        f"broken: {broken}"
        if broken
        else f"{sum(plugin.state == 'ok' for plugin in registry.plugins)} loaded"
    )
    facts["results go to"] = _results(Path("results") / host_name.name())
    for delivery in registry.table("delivery").values():
        facts |= _abilities(delivery)
    facts["cpus"] = f"{len(host_facts.usable_cpus())} usable of {os.cpu_count()}"
    return facts | host_facts.facts()


def _abilities(delivery: Delivery) -> dict[str, str]:
    """Whether it can be used, and what of it works."""
    from pvbench.delivery import Options

    title = f"delivery {delivery.name}"
    if reason := delivery.why_unavailable():
        return {title: f"no: {reason}"}
    try:
        settings = delivery.settings(Options(wait=False))
    except PvbenchError as error:
        return {title: f"no: {error}"}
    probes: dict[str, str] = settings.get("probes", {})
    told = settings.get("facts", {}) | {
        name: f"no: {why}" if why else "works" for name, why in probes.items()
    }
    return {title: "usable"} | {f"{delivery.name}: {name}": what for name, what in told.items()}


def _print(facts: dict[str, str], advice: list[str], style: str) -> None:
    """In CSV the table alone: advice is sentences."""
    from pvbench.report.table import render

    print(render(["what", "found"], list(facts.items()), style))
    if advice and style != "csv":
        print("", "For steadier timing:", "", *(f"- {line}" for line in advice), sep="\n")


def _results(folder: Path) -> str:
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    writable = os.access(existing, os.W_OK)
    return f"./{folder}" if writable else f"./{folder}, but {existing} cannot be written"
