"""Say what this machine is, what can run here and what cannot, and why."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pvbench.cli import common
from pvbench.errors import Status

if TYPE_CHECKING:
    from pvbench.registry import Registry

HELP = "check this machine and installation"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench doctor`."""
    common.output_options(parser)
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """One row for each fact, and what would make timing steadier."""
    from pvbench import host

    registry = common.registry(options)
    facts, advice = _facts(registry), host.advice()
    if options.json:
        common.print_json({**facts, "advice": advice})
    else:
        _print(facts, advice, options.format)
    return Status.ENVIRONMENT if registry.broken else Status.OK


def _facts(registry: Registry) -> dict[str, str]:
    from importlib.metadata import version

    from pvbench import host, machine

    facts = machine.facts()
    facts["results go to"] = _results(Path("results") / machine.name())
    for package in ("pvbench", "pyperf", "pluggy", "attrs", "numpy"):
        facts[package] = version(package)
    for delivery in registry.deliveries.values():
        reason = delivery.unavailable()
        facts[f"delivery {delivery.name}"] = f"no: {reason}" if reason else "usable"
    broken = ", ".join(str(plugin) for plugin in registry.broken)
    facts["plugins"] = f"broken: {broken}" if broken else f"{len(registry.plugins)} loaded"
    return facts | host.facts()


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
