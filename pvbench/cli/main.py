"""
The command line: one small file for each bundled sub-command.

A command module has `HELP`, `arguments(parser)` and `execute(options)`, and
imports what it needs when it runs, so that `--help` loads no plugin.  A plugin's
command is a `pvbench.command.Command`; before it runs only its entry point is read.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from glob import escape, glob
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, Final

from pvbench import notices
from pvbench.cli import common, exits, streams
from pvbench.cli.defaults import with_defaults
from pvbench.cli.endings import VERBOSE, end_by, interrupted_by_sigterm
from pvbench.cli.options import by_name, naming
from pvbench.cli.parsers import Parser, parse
from pvbench.errors import Status, UsageError, unknown

if TYPE_CHECKING:
    from pvbench.command import Command

COMMANDS: Final = (
    *("run", "show", "compare", "report", "history", "ab", "noise"),
    *("record", "import", "replay", "verify", "list", "plugins", "explain", "doctor"),
)
_EXIT: Final = """\
exit status, the first that applies:
  6  the proof of mechanism failed, or the decoder disagrees with KVM
  5  something is missing: a plugin, a device, a disk or a permission
  2  wrong usage or bad input
  1  a regression
  4  a verdict is inconclusive
  3  nothing was measured
  0  done, nothing regressed
 70  a bug of pvbench or of a plugin; -v prints the traceback"""
# numpy would start a thread for each CPU in each process; pvbench has no work for them.
_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "1")
_LISTING: Final = "`pvbench --help` lists the commands."

Parsers = dict[str, argparse.ArgumentParser]


class _Version(argparse.Action):
    """Look the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"pvbench {version('pvbench')}")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the console script's entry point."""
    streams.open_standard_streams()
    os.environ.setdefault(*_ONE_THREAD)
    typed = sys.argv[1:] if arguments is None else arguments
    is_verbose = [*typed[:1]] == [VERBOSE]
    try:
        with (
            interrupted_by_sigterm(),
            notices.verbose(is_on=is_verbose),
            streams.warnings_as_sentences(),
        ):
            status = _run(typed[is_verbose:])
        sys.stdout.flush()
    except BaseException as error:  # SystemExit too, or a command ends as if all went well
        status = end_by(error, is_verbose=VERBOSE in typed)
    streams.flush()
    return exits.for_bisect(status) if exits.is_for_bisect(typed) else status


def _run(typed: Sequence[str]) -> int:
    if not typed:
        raise UsageError("no command is given", fix=_LISTING)
    parser, parsers = _parser(typed[0])
    words = with_defaults(typed, {name: parsers[name] for name in COMMANDS})
    command = parsers.get(typed[0], parser)
    try:
        options = parse(parser, command, words)
    except SystemExit as leaving:  # --help or --version
        return leaving.code if isinstance(leaving.code, int) else int(Status.USAGE)
    except UsageError as error:
        raise _with_origin(error, words[1 : len(words) - len(typed) + 1]) from None
    options.typed, options.words = typed[1:], words
    try:
        if "render" in options:  # an unknown format is refused before anything is measured
            options.render = common.renderer(options.format)
        result = options.execute(options)
    except UsageError as error:
        raise naming(error, command, words[1:]) from None
    if isinstance(result, int):
        return int(result)
    common.show(result.document, options)
    return int(result.status)


def _with_origin(error: UsageError, defaults: Sequence[str]) -> UsageError:
    """*error*, naming the defaults that it is about, which the user did not type."""
    mentioned = [word for word in defaults if word.partition("=")[0] in str(error)]
    if not mentioned:
        return error
    origin = f"[tool.pvbench] in pyproject.toml gives {' '.join(mentioned)}."
    return UsageError(error.what, why=error.why, fix=f"{error.fix} {origin}")


def _parser(first: str) -> tuple[argparse.ArgumentParser, Parsers]:
    """The parser for a command line that begins with *first*, and those of the commands."""
    parser, commands = _bundled()
    if first not in COMMANDS:
        _add_plugin_commands(commands, first)
    return parser, dict(commands.choices)


def whole_parser(plugin_commands: Iterable[Command]) -> argparse.ArgumentParser:
    """The parser of the bundled commands and *plugin_commands*, for manuals and shells."""
    parser, commands = _bundled()
    for command in plugin_commands:
        _add(commands, command.name, command.summary, command.summary, command)
    return parser


def _bundled() -> tuple[argparse.ArgumentParser, Any]:
    """The parser of the bundled commands, and that to which other commands are added."""
    parser = Parser(
        prog="pvbench",
        description="Benchmark ways of sending inter-processor interrupts in guests.",
        epilog=_EXIT,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for name in COMMANDS:
        module = import_module(f"pvbench.cli.{name}{'_' * iskeyword(name)}")
        _add(commands, name, module.HELP, module.__doc__ or "", module)
    return parser, commands


def _add(commands: Any, name: str, summary: str, description: str, command: Any) -> None:
    parser = commands.add_parser(name, help=summary, description=description)
    command.arguments(parser)
    if VERBOSE not in by_name(parser):  # a plugin may have one of its own
        parser.add_argument(VERBOSE, action="store_true", help="print the traceback of a bug")
    parser.set_defaults(execute=command.execute)


def _add_plugin_commands(commands: Any, first: str) -> None:
    """
    Load the command *first*, or list all plugins' commands by name for the help.

    Raises:
        UsageError: *first* is a word and there is no such command.
    """
    if first.startswith("-") and not _may_have_plugin_commands():
        return
    from pvbench.plugin.entry_points import COMMAND_PREFIX, bringing

    brought = bringing(COMMAND_PREFIX).items()
    candidates = {name: plugin for name, plugin in brought if name not in COMMANDS}
    if first.startswith("-"):
        for name, plugin in candidates.items():
            origin = f"from {plugin.distribution} {plugin.version}"
            commands.add_parser(name, help=origin.replace("%", "%%"))
    elif first in candidates:
        from pvbench.plugin.chosen import load_command
        from pvbench.plugin.guard import guarded, owner_of

        command = load_command(first)
        with guarded(f"command {first}", lambda: owner_of(command.arguments)):
            _add(commands, first, command.summary, command.summary, command)
    else:
        raise unknown("command", first, [*COMMANDS, *candidates], _LISTING)


def _may_have_plugin_commands() -> bool:
    """Whether any entry point looks like one; reading the files is quicker than metadata."""
    for folder in sys.path:
        for file in glob(os.path.join(escape(folder), "*-info", "entry_points.txt")):
            with suppress(OSError), open(file, "rb") as entry_points:
                if b"command-" in entry_points.read():
                    return True
    return False
