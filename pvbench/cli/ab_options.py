"""The options of `pvbench ab` that a run does not have, and the words for both sides."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from pvbench.cli import common, compare
from pvbench.cli.parsers import Parser, joined
from pvbench.errors import UsageError

SIDES: Final = ("a", "b")
_TWICE: Final = ("site", "costs", "python", "env")  # options that name both sides


def side_options(parser: argparse.ArgumentParser) -> None:
    """Options in which the sides differ."""
    sides = parser.add_argument_group("sides")
    for name in ("a", "b"):
        sides.add_argument(
            f"--{name}",
            type=common.words,
            default=(),
            metavar="OPTIONS",
            help=f"further options of side {name}, quoted as one argument",
        )
    sides.add_argument(
        "--python", action="append", default=[], metavar="PYTHON", help="interpreter of a side"
    )
    sides.add_argument(
        "--env", action="append", default=[], metavar="NAME", help="tox environment of a side"
    )


def noise_options(parser: argparse.ArgumentParser) -> None:
    """Options for the number of whole runs that `pvbench noise` makes, and for their times."""
    parser.add_argument(
        "--sessions",
        type=int,
        default=10,
        metavar="K",
        help="number of pairs of whole runs (10)",
    )
    parser.add_argument(
        "--over",
        type=common.duration_s,
        default=0.0,
        metavar="TIME",
        help="time over which the sessions are spread: 90s, 30m, 2h (0s: without a pause)",
    )


def split(given: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options of `ab` itself, and the words that are for both sides."""
    parser = Parser(add_help=False)
    side_options(parser)
    noise_options(parser)
    compare.verdict_options(parser)
    for name in ("--site", "--costs"):
        parser.add_argument(name, action="append", default=[])
    parser.add_argument("-o", dest="output")
    parser.add_argument("--seed")
    for name in ("--resume", "--dry-run"):
        parser.add_argument(name, action="store_true")
    own, shared = parser.parse_known_args(joined(given, parser))
    for name in _TWICE:
        values = getattr(own, name)
        if len(values) > len(SIDES):
            raise UsageError(f"--{name} is given {len(values)} times, and there are two sides")
        if len(values) == 1:
            setattr(own, name, values * 2)
    if own.python and own.env:
        raise UsageError("--env and --python exclude each other", fix="Leave one of them out.")
    return own, shared
