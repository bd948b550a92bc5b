"""List the plugins, with the distribution, the state and the offers of each."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pvbench.cli import common, new
from pvbench.errors import Status
from pvbench.formats import output_options

if TYPE_CHECKING:
    from pvbench.document import Document
    from pvbench.plugin import registry

HELP = "list the plugins, and why any are not loaded"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench plugins`."""
    output_options(parser)
    common.plugin_options(parser)
    commands = parser.add_subparsers(dest="command", title="instead of the list")
    command = commands.add_parser("new", help=new.HELP, description=new.__doc__)
    new.arguments(command)
    command.set_defaults(execute=new.execute)


def execute(options: argparse.Namespace) -> Status:
    """Print one row for each plugin; a broken one gives exit status 5."""
    loaded = common.registry(options, commands=True)
    common.show(_document(loaded.plugins), options)
    return Status.ENVIRONMENT if loaded.broken else Status.OK


def _document(plugins: Sequence[registry.Plugin]) -> Document:
    from pvbench.document import Cell, Column, Document, Field, Role, table_of
    from pvbench.plugin.registry import Plugin

    fields = [
        Field[Plugin](Column("name", "plugin"), lambda p: Cell(p.name)),
        Field[Plugin](Column("module", "module", Role.DATA), lambda p: Cell(p.module)),
        Field[Plugin](
            Column("distribution", "distribution", Role.CONDITION),
            lambda p: Cell(p.distribution),
        ),
        Field[Plugin](Column("version", "version", Role.CONDITION), lambda p: Cell(p.version)),
        Field[Plugin](Column("state", "state", Role.CONDITION), lambda p: Cell(p.state)),
        Field[Plugin](
            Column("offers", "offers", Role.PROSE),
            lambda p: Cell(list(p.offers), _offers(p)),
        ),
        Field[Plugin](Column("error", "error", Role.DATA), lambda p: Cell(p.error)),
    ]
    return Document([table_of(fields, plugins)])


def _offers(plugin: registry.Plugin) -> str:
    """The things that a plugin offers, or why there are none."""
    replacement = f"{plugin.replaced_by} is used instead" if plugin.replaced_by else ""
    why = plugin.error or replacement
    return ", ".join(plugin.offers) or (f"none: {why}" if why else "")
