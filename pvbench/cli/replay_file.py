"""
A result file of a replay.

The recording is run as a workload on the model, send by send.  So the file is one of
`pvbench run` and can be compared with others.
"""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from typing import TYPE_CHECKING, Final

from pvbench.cli import common
from pvbench.cli.import_ import check_new
from pvbench.errors import EmptyError, UsageError

if TYPE_CHECKING:
    from pvbench.plugin.registry import Registry
    from pvbench.recording.recording import Recording
    from pvbench.suite import Suite

_SUITE: Final = "workloads"


def check(options: argparse.Namespace) -> None:
    """
    Check that the file can be written for the recordings of *options*.

    Raises:
        UsageError: it exists or is no name of a result file, there are several recordings,
            or it is a trace.
    """
    from pvbench.recording.bundled import located
    from pvbench.recording.stream import STDIN
    from pvbench.results.files import output_path

    check_new(output_path(options.output), options)
    names = [name for given in options.recordings for name in located(given)]
    if len(names) != 1:
        raise UsageError(
            "-o writes the file of one recording",
            fix=f"`pvbench run {_SUITE}` runs all that come with pvbench.",
        )
    if names[0] == STDIN or not _is_recording(names[0]):
        raise UsageError(
            f"{names[0]} is a trace, and -o is for recordings",
            why="the result file names what was run, so that it can be run again",
            fix="Import it first: pvbench import FILE -o my.recording",
        )


def _is_recording(name: str) -> bool:
    from pvbench.recording import stored, stream

    with closing(stream.opened(name)) as file:
        return stored.is_recording(next(stream.pieces(file, name), b""))


def write(options: argparse.Namespace, registry: Registry, recording: Recording) -> None:
    """
    Run *recording*, the only one of *options*, and write the file.

    Raises:
        EmptyError: no sender can send it.
    """
    from pvbench.run.cases import Selection
    from pvbench.run.loop import run
    from pvbench.run.preparation import prepare, session_of
    from pvbench.run.request import Request

    selection = Selection(
        workloads=(_workload(options.recordings[0]),),
        senders=options.sender,
        drivers=(options.driver,),
        guests=(options.guest or _guest(recording),),
        target_states=(options.targets,),
        linux=(options.linux,) if options.linux else None,
        costs=options.costs,
    )
    suite: Suite = registry.suite(_SUITE)
    request = Request(
        suite=suite,
        selection=selection,
        output=options.output,
        quiet=True,
        command=tuple(options.words),
    )
    with session_of(request, registry) as session:
        ended = run(prepare(request, registry, session))
    if not ended.measured:
        raise EmptyError(
            f"no sender can send {options.recordings[0]}",
            why="their reasons are in the journal",
            fix=f"pvbench show {ended.path}",
        )
    common.tell_file("results", ended.path)


def _workload(name: str) -> str:
    """The workload of a recording, whose name has a folder if it is a file."""
    from pvbench.recording.bundled import PREFIX

    if name.startswith(PREFIX):
        return name
    return f"{PREFIX}{name if os.sep in name else os.path.join(os.curdir, name)}"


def _guest(recording: Recording) -> str:
    """The guest with the recording's own APIC IDs."""
    from pvbench.id_lists import written
    from pvbench.replay.guests import guest_of

    guest = guest_of(recording, None)
    offline = f"+offline:{written(guest.offline)}" if guest.offline else ""
    return f"ids:{written(guest.apic_ids)}{offline}"
