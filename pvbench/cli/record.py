"""
Record which CPUs of this machine interrupt which others, while a command runs.

The kernel traces the IPIs that it sends, in an instance of tracefs that only this command
uses and removes.  Linux 6.4 or newer is needed, and root or the group of tracefs.  From 6.5
on the calls that were wanted are traced too, which costs time while IPIs are sent; so the
command is run twice, the second time without them.
"""

from __future__ import annotations

import argparse
import platform
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pvbench.cli import common
from pvbench.cli.import_ import check_new, guarded_readers
from pvbench.errors import EmptyError, Status, UsageError
from pvbench.formats import output_options

if TYPE_CHECKING:
    from pvbench.recorder.passes import Machine, Pass
    from pvbench.recorder.work import Work
    from pvbench.recording.reconcile import Sum
    from pvbench.recording.recording import Recording

HELP = "record which CPUs interrupt which others"
_NAME: Final = "ipis"  # of a recording without a command
_BUFFER_MB: Final = 8
_LONGEST_S: Final = 7 * 24 * 3600.0
_SECOND_PART: Final = 0.5  # of the time, for the pass without csd_queue_cpu


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `pvbench record`."""
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="what is recorded")
    parser.add_argument(
        "--seconds",
        type=_seconds,
        metavar="S",
        help="record for S seconds instead of a command",
    )
    parser.add_argument(
        "-o",
        dest="output",
        metavar="OUT",
        help=f"file of the recording (the name of COMMAND, or {_NAME}, with .recording)",
    )
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--histogram",
        action="store_true",
        help="let the kernel count the sends to one CPU, for long runs; no masks, no times",
    )
    kinds.add_argument(
        "--receivers",
        action="store_true",
        help="only print how many interrupts each CPU receives, on older kernels too",
    )
    parser.add_argument(
        "--once", action="store_true", help="run the command only once, with csd events"
    )
    parser.add_argument(
        "--buffer-mb",
        type=common.in_range(1, 4096),
        default=_BUFFER_MB,
        metavar="MB",
        help=f"memory for the events of each CPU ({_BUFFER_MB})",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print no progress")
    output_options(parser)
    common.plugin_options(parser)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text} is not a time from 0 to {_LONGEST_S:.0f} s")
    return value


def execute(options: argparse.Namespace) -> Status:
    """Record, write the recording and print what it has."""
    from pvbench.recorder import kernel
    from pvbench.recorder.passes import Machine
    from pvbench.recorder.tracefs import mounted

    _check_work(options)
    path = _output(options)
    if not options.receivers:
        check_new(path, options)
    readers = guarded_readers(common.registry(options).table("reader"))
    machine = Machine(root=_root(), tracefs=mounted(_root()), readers=readers)
    kernel.check_receivers(machine.tracefs)
    machine.tracefs.remove_stale()
    if options.receivers:
        return _count_receivers(machine, options)
    kernel.check_sends(machine.tracefs)
    if options.histogram:
        kernel.check_histograms(machine.tracefs)
    return _record(machine, path, options)


def _root() -> Path:
    """The root folder of the machine that is recorded."""
    return Path("/")


def _check_work(options: argparse.Namespace) -> None:
    if bool(options.command) == (options.seconds is not None):
        both = "COMMAND and --seconds are both given"
        raise UsageError(
            both if options.command else "no COMMAND is given",
            fix="Give either: pvbench record -- COMMAND, or pvbench record --seconds 10.",
        )


def _output(options: argparse.Namespace) -> Path:
    if options.output:
        return Path(options.output)
    return Path(f"{Path(options.command[0]).name if options.command else _NAME}.recording")


def _count_receivers(machine: Machine, options: argparse.Namespace) -> Status:
    from pvbench.recorder.passes import received
    from pvbench.report import recorded

    counts = received(machine, _work(options))
    common.show(recorded.receivers(counts, platform.release()), options)
    return Status.OK


def _record(machine: Machine, path: Path, options: argparse.Namespace) -> Status:
    from pvbench.recording import stored
    from pvbench.report import recorded

    passes, notes = _passes(machine, options)
    recording = _noted(passes[0].recording, notes)
    stored.write(recording, path)
    common.show(recorded.document(recording, passes, _sums(recording)), options)
    if passes[0].status:
        common.warn(f"{options.command[0]} ended with status {passes[0].status}")
    common.tell_file("recording", path)
    return Status.OK


def _noted(recording: Recording, notes: list[str]) -> Recording:
    import attrs

    return attrs.evolve(recording, notes=(*recording.notes, *notes))


def _sums(recording: Recording) -> list[Sum]:
    """Interrupts sent and received; a histogram lacks those that have a mask."""
    from pvbench.recorder.passes import INTERRUPTS
    from pvbench.recording import reconcile

    if not recording.has_masks:
        return []
    before, after = ((name, recording.texts[name]) for name in INTERRUPTS)
    return [*reconcile.sums(recording), *reconcile.sums_between(recording, before, after)]


def _passes(machine: Machine, options: argparse.Namespace) -> tuple[list[Pass], list[str]]:
    """The passes, and sentences about both together."""
    from pvbench.recorder import effect, kernel
    from pvbench.recorder.passes import counted, traced

    if options.histogram:
        return [counted(machine, _work(options))], []
    events = (*kernel.SENT, *kernel.received(machine.tracefs))
    if not machine.tracefs.has(kernel.WANTED):
        note = "This kernel does not report the calls that were wanted (csd_queue_cpu)."
        return [traced(machine, events, _kb(options), _work(options))], [note]
    fully = traced(machine, (*events, kernel.WANTED), _kb(options), _work(options))
    if options.once:
        return [fully], []
    _say("it is recorded again without csd_queue_cpu; --once does not do that", options)
    sends_only = None
    with suppress(EmptyError):
        sends_only = traced(machine, events, _kb(options), _work(options, _SECOND_PART))
    passes = [fully, sends_only] if sends_only else [fully]
    return passes, [effect.sentence(fully, sends_only)]


def _work(options: argparse.Namespace, part: float = 1.0) -> Work:
    """What is recorded; of a time only a *part*."""
    from pvbench.recorder import work

    if options.command:
        return work.command(options.command)
    return work.waiting(options.seconds * part)


def _kb(options: argparse.Namespace) -> int:
    return int(options.buffer_mb) << 10


def _say(text: str, options: argparse.Namespace) -> None:
    if not options.quiet:
        print(text, file=sys.stderr)
