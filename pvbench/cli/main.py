"""
The command line: one small file per sub-command.

A command module has `HELP`, `arguments(parser)` and `execute(options)`, and
imports what it needs when it runs, so that `--help` loads no plugin.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from pvbench.cli.defaults import with_defaults
from pvbench.errors import PvbenchError, Status

COMMANDS: Final = ("run", "show", "compare", "list", "plugins", "explain", "doctor")
_EXIT: Final = """\
exit status, the first that applies: 6 proof of mechanism failed; 5 environment
(plugin, device, disk, permission); 2 usage or bad input; 1 a regression;
4 inconclusive; 3 nothing measured; 0 done, nothing regressed."""


class _Version(argparse.Action):
    """Look the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"pvbench {version('pvbench')}")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the console script's entry point."""
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except PvbenchError as error:
        print(f"pvbench: {error}", file=sys.stderr)
        status = int(error.status)
    except BrokenPipeError:  # `| head` has seen enough
        status = int(Status.OK)
        _forget_output()
    except OSError as error:
        print(f"pvbench: standard output cannot be written: {error.strerror}", file=sys.stderr)
        status = int(Status.ENVIRONMENT)
        _forget_output()
    except KeyboardInterrupt:
        status = 130
    return status


def _run(arguments: Sequence[str] | None) -> int:
    parser, commands = _parser()
    given = sys.argv[1:] if arguments is None else arguments
    words = with_defaults(given, commands)
    try:
        options = parser.parse_args(words)
    except SystemExit as leaving:  # --help, --version, or wrong usage, already told
        if leaving.code and (table := words[1 : len(words) - len(given) + 1]):
            told = f"[tool.pvbench] in pyproject.toml gave {' '.join(table)}"
            print(f"pvbench: {told}", file=sys.stderr)
        return leaving.code if isinstance(leaving.code, int) else int(Status.USAGE)
    return int(options.execute(options))


def _forget_output() -> None:
    """What is still buffered would fail again when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser, and those of its commands."""
    parser = argparse.ArgumentParser(
        prog="pvbench",
        description="Benchmark ways of sending inter-processor interrupts in guests.",
        epilog=_EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = import_module(f"pvbench.cli.{name}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.arguments(command)
        command.set_defaults(execute=module.execute)
    return parser, dict(commands.choices)
