"""Write a new plugin: a distribution with one sender and its test."""

from __future__ import annotations

import argparse
from pathlib import Path

from pvbench.cli import common
from pvbench.errors import Status

HELP = "write the files of a new plugin"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench plugins new`."""
    parser.add_argument(
        "name", metavar="NAME", help="name of the sender: lower case with dashes"
    )
    parser.add_argument(
        "--into",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="parent of the new directory NAME (default: the current directory)",
    )


def execute(options: argparse.Namespace) -> Status:
    """Write the files and print the next steps."""
    from pvbench.plugin.scaffold import next_steps, write

    folder = write(options.name, options.into, common.registry(options).senders)
    for path in sorted(folder.iterdir()):
        print(path)
    print(next_steps(folder, options.name), end="")
    return Status.OK
