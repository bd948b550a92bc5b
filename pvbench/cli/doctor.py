"""Say what this machine is, what can run here and what cannot, and why."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from pvbench.cli import common
from pvbench.errors import Status

HELP = "check this machine and installation"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench doctor`."""
    common.output_options(parser)
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """One row for each fact."""
    from importlib.metadata import version

    from pvbench import machine

    registry = common.registry(options)
    facts = machine.facts()
    facts["results go to"] = _results(Path("results") / machine.name())
    for package in ("pvbench", "pyperf", "pluggy", "attrs", "numpy"):
        facts[package] = version(package)
    for delivery in registry.deliveries.values():
        reason = delivery.unavailable()
        facts[f"delivery {delivery.name}"] = f"no: {reason}" if reason else "usable"
    broken = ", ".join(str(plugin) for plugin in registry.broken)
    facts["plugins"] = f"broken: {broken}" if broken else f"{len(registry.plugins)} loaded"
    if options.json:
        common.print_json(facts)
    else:
        from pvbench.report.table import render

        print(render(["what", "found"], [[k, v] for k, v in facts.items()], options.format))
    return Status.ENVIRONMENT if registry.broken else Status.OK


def _results(folder: Path) -> str:
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    writable = os.access(existing, os.W_OK)
    return f"./{folder}" if writable else f"./{folder}, but {existing} cannot be written"
