"""List what the plugins offer: senders, workloads, deliveries, suites or sites."""

from __future__ import annotations

import argparse
from typing import Any

from pvbench.cli import common
from pvbench.errors import Status

HELP = "list what there is"
KINDS = {
    "senders": "sender",
    "workloads": "workload",
    "deliveries": "delivery",
    "suites": "suite",
    "sites": "site",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench list`."""
    parser.add_argument("kind", choices=KINDS, help="what to list")
    common.output_options(parser)
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """One row for each thing."""
    registry = common.registry(options)
    kind = KINDS[options.kind]
    things = [_row(kind, thing) for thing in registry.table(kind).values()]
    if options.json:
        common.print_json(things)
        return Status.OK
    from pvbench.report.table import render

    headers = list(things[0]) if things else ["name"]
    print(render(headers, [list(thing.values()) for thing in things], options.format))
    return Status.OK


def _row(kind: str, thing: Any) -> dict[str, str]:
    row = {"name": thing.name}
    if kind == "sender":
        row["kind"] = "driver" if hasattr(thing, "apic_mode") else "overlay"
        row["overrides"] = " ".join(thing.overrides()) if row["kind"] == "overlay" else "all"
    elif kind == "workload":
        row["name"] = thing.form
    elif kind == "suite":
        row["version"] = str(thing.version)
    elif kind == "delivery":
        row["clock"] = thing.clock
        row["cost profiles"] = ", ".join(thing.cost_profiles()) or "-"
    if kind in ("delivery", "site"):
        row["usable"] = thing.why_unavailable() or "yes"
    return row | {"summary": thing.summary}
