"""
Make a recording of traces: which CPUs interrupted which others, by which calls.

Texts of trace-cmd report, tracefs, perf script and others are read, also packed by gzip or
xz, and files of trace-cmd and perf by calling these programs.  `pvbench list readers`
lists the forms.  Several files become one recording.  Totals of a trace that lost events
are void unless --accept-losses is given.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pvbench.cli import common
from pvbench.errors import Status, UsageError
from pvbench.formats import output_options

if TYPE_CHECKING:
    from pvbench.recording.load import Options
    from pvbench.recording.reader import Reader

HELP = "make a recording of traces"
_PACKED: Final = (".gz", ".xz")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench import`."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="trace, or - for standard input"
    )
    parser.add_argument(
        "-o",
        dest="output",
        metavar="OUT",
        help="file of the recording (the name of FILE with .recording, in this folder)",
    )
    trace_options(parser)
    parser.add_argument(
        "--interrupts",
        nargs=2,
        metavar=("BEFORE", "AFTER"),
        help="compare the sums with two texts of /proc/interrupts",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print no progress")
    output_options(parser)
    common.plugin_options(parser)


def trace_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what a trace does not."""
    parser.add_argument(
        "--cpuinfo", metavar="FILE", help="text of /proc/cpuinfo of the machine traced"
    )
    parser.add_argument(
        "--masks", choices=("list", "hex"), default="", help="how the trace writes a mask"
    )
    parser.add_argument("--reader", default="", metavar="NAME", help="form of the trace")
    parser.add_argument(
        "--accept-losses", action="store_true", help="count totals although events are lost"
    )


def execute(options: argparse.Namespace) -> Status:
    """Read the traces, write the recording and print what it has."""
    from pvbench.recording import reconcile, stored
    from pvbench.recording.load import load
    from pvbench.report import imported

    readers = guarded_readers(common.registry(options).table("reader"))
    path = _output(options)
    check_new(path, options)
    recording = load(options.files, readers, load_options(options))
    sums = list(reconcile.sums(recording))
    if options.interrupts:
        before, after = map(Path, options.interrupts)
        sums += reconcile.sums_of_files(recording, before, after)
    stored.write(recording, path)
    common.show(imported.document(recording, sums), options)
    common.tell_file("recording", path)
    return Status.OK


def load_options(options: argparse.Namespace) -> Options:
    """What the user says about traces."""
    from pvbench.recording.load import Options
    from pvbench.run.progress import Heartbeat

    beat = Heartbeat("lines are read", quiet=options.quiet)
    return Options(
        masks=options.masks,
        reader=options.reader,
        cpuinfo=Path(options.cpuinfo) if options.cpuinfo else None,
        accept_losses=options.accept_losses,
        progress=beat.count,
    )


def guarded_readers(readers: dict[str, Any]) -> dict[str, Reader]:
    """*readers* whose code ends the process if it does not return."""
    import attrs

    return {
        name: attrs.evolve(
            reader,
            score=partial(_guarded, name, reader.score),
            parse=partial(_guarded, name, reader.parse) if reader.parse else None,
        )
        for name, reader in readers.items()
    }


def _guarded(name: str, function: Any, text: bytes) -> Any:
    from pvbench.plugin.guard import guarded, owner_of

    with guarded(f"reader {name}", lambda: owner_of(function)):
        return function(text)


def _output(options: argparse.Namespace) -> Path:
    """
    The file to write.

    Raises:
        UsageError: it has no name.
    """
    if options.output:
        return Path(options.output)
    name = Path(options.files[0]).name
    if options.files[0] == "-":
        raise UsageError("standard input has no name", fix="Give -o OUT.")
    for suffix in _PACKED:
        name = name.removesuffix(suffix)
    return Path(f"{name.removesuffix('.txt')}.recording")


def check_new(path: Path, options: argparse.Namespace) -> None:
    """Refuse to replace a file, as `pvbench run` does."""
    if os.path.lexists(path):
        fix = "Give another -o OUT, or remove it first." if options.output else "Give -o OUT."
        raise UsageError(f"{path} exists", fix=fix)
