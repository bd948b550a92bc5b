"""List what the plugins offer: one kind of things, a row for each."""

from __future__ import annotations

import argparse
from typing import Any

from pvbench.cli import common
from pvbench.errors import Status
from pvbench.plugin.kinds import KINDS, Kind

HELP = "list what the plugins offer"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench list`."""
    parser.add_argument("kind", choices=[kind.plural for kind in KINDS], help="what to list")
    common.output_options(parser)
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """One row for each thing."""
    kind = next(kind for kind in KINDS if kind.plural == options.kind)
    registry = common.registry(options, commands=kind.name == "command")
    things = [_row(kind, thing) for thing in registry.table(kind.name).values()]
    if options.json:
        common.print_json(things)
        return Status.OK
    from pvbench.report.table import render

    headers = list(things[0]) if things else ["name"]
    print(render(headers, [list(thing.values()) for thing in things], options.format))
    return Status.OK


def _row(kind: Kind, thing: Any) -> dict[str, str]:
    return {"name": thing.name} | kind.columns(thing) | {"summary": thing.summary}
