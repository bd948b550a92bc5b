"""List the plugins: where each comes from, what it offers, what is broken."""

from __future__ import annotations

import argparse

from pvbench.cli import common, new
from pvbench.errors import Status

HELP = "list the plugins and how loading went"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench plugins`."""
    common.output_options(parser)
    common.plugin_options(parser)
    commands = parser.add_subparsers(metavar="[new]", title="instead")
    command = commands.add_parser(
        "new", help=new.HELP, description=new.__doc__, allow_abbrev=False
    )
    new.arguments(command)
    command.set_defaults(execute=new.execute)


def execute(options: argparse.Namespace) -> Status:
    """One row for each plugin; a broken one is the environment's fault."""
    import attrs

    registry = common.registry(options, commands=True)
    if options.json:
        common.print_json([attrs.asdict(plugin) for plugin in registry.plugins])
    else:
        from pvbench.report.table import render

        rows = [
            [p.name, p.distribution, p.version, p.state, p.error or ", ".join(p.offers)]
            for p in registry.plugins
        ]
        headers = ["plugin", "distribution", "version", "state", "offers, or error"]
        print(render(headers, rows, options.format))
    return Status.ENVIRONMENT if registry.broken else Status.OK
