"""The options that choose how a command prints its document."""

from __future__ import annotations

import argparse
from typing import Final

FORMATS: Final = ("plain", "markdown", "csv")


def output_options(parser: argparse.ArgumentParser) -> None:
    """Add --format, --csv and --json."""
    parser.add_argument(
        "--format", choices=FORMATS, default="plain", help="format of the tables"
    )
    parser.add_argument(
        "--csv", dest="format", action="store_const", const="csv", help="same as --format csv"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
