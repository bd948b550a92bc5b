"""The options that choose how a command prints its document, and the formats of pvbench."""

from __future__ import annotations

import argparse
from typing import Final

# Formats of pvbench itself, and their modules in `pvbench.report`; a plugin brings others.
CORE: Final = {
    "plain": "text",
    "markdown": "markdown",
    "csv": "csv",
    "json": "json",
    "ktap": "ktap",
}
_HELP: Final = "format of the output: {}, or one of `pvbench list formats`; ./NAME.py is a file"


def output_options(parser: argparse.ArgumentParser) -> None:
    """Add --format, and an option for each format of pvbench itself."""
    parser.add_argument(
        "--format",
        "--layout",
        default="plain",
        metavar="NAME",
        help=_HELP.format(", ".join(CORE)),
    )
    for name in [*CORE][1:]:
        parser.add_argument(
            f"--{name}",
            dest="format",
            action="store_const",
            const=name,
            help=f"same as --format {name}",
        )
    parser.set_defaults(render=None)
