"""List the things of one kind that the plugins offer, such as all senders."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pvbench.cli import common
from pvbench.errors import PvbenchError, Status
from pvbench.formats import CORE, output_options
from pvbench.plugin.kinds import KINDS, Kind

if TYPE_CHECKING:
    from pvbench.document import Document

HELP = "list what the plugins offer"
_OF_PVBENCH: Final = {
    "command": "`pvbench --help` lists the commands of pvbench itself.",
    "format": f"Formats of pvbench itself: {', '.join(CORE)}.",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench list`."""
    kinds = [kind.plural for kind in KINDS]
    parser.add_argument("kind", choices=kinds, metavar="KIND", help=", ".join(kinds))
    output_options(parser)
    common.plugin_options(parser)


def execute(options: argparse.Namespace) -> Status:
    """Print one row for each thing."""
    kind = next(kind for kind in KINDS if kind.plural == options.kind)
    registry = common.registry(options, commands=kind.name == "command")
    records = list(_rows(kind, registry.table(kind.name)))
    common.show(_document(kind, records, options.format), options)
    return Status.OK


def _document(kind: Kind, records: list[dict[str, str]], form: str) -> Document:
    """A table; people get a sentence in its place if there is nothing to list."""
    from pvbench.document import Document, Paragraph, Role, table_of_records

    roles = {key: Role.PROSE for record in records for key in record if key != "name"}
    table = table_of_records(records, roles=roles, shown=bool(records) or form == "csv")
    if records:
        return Document([table, *map(Paragraph, filter(None, [_OF_PVBENCH.get(kind.name)]))])
    sentence = f"No plugin brings a {kind.name}.  {_OF_PVBENCH.get(kind.name, '')}"
    return Document([table, Paragraph(sentence.rstrip())])


def _rows(kind: Kind, offers: dict[str, Any]) -> Iterator[dict[str, str]]:
    """A row for each thing; a warning instead if its plugin raises."""
    from pvbench.plugin.guard import guarded, owner_of

    for name, offer in offers.items():
        try:
            with guarded(f"{kind.name} {name}", partial(owner_of, type(offer))):
                row = {"name": name, "summary": offer.summary} | kind.columns(offer)
        except PvbenchError as error:
            common.warn(f"{error}; it is not listed")
        else:
            yield row
