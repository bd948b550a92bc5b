"""What reads an input of `fuzz.py`: entry points of pvbench, in the current directory."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import attrs

import fuzz_site
from pvbench.cli.main import main
from pvbench.errors import Status, UsageError
from pvbench.host import cpuinfo, facts
from pvbench.host.files import unpacked
from pvbench.plugin.loader import load as plugins
from pvbench.protocol import ErrorReport, Execute, Work, decode
from pvbench.recording import reconcile, stored
from pvbench.recording.reader import NAMES, Reader
from pvbench.report import imported
from pvbench.run import worker
from pvbench.text import printable

TRACE: Final = "trace"
RECORDING: Final = "trace.recording"


@attrs.frozen
class Input:
    """The words of a command line, and files of the current directory, by name."""

    words: tuple[str, ...]
    files: Mapping[str, bytes] = attrs.field(factory=dict)


def command(given: Input) -> int:
    """Run the command line, by the entry point of the console script."""
    return main(given.words)


@contextmanager
def _own_cpuinfo() -> Iterator[None]:
    """The file proc/cpuinfo of the current directory, instead of the kernel's."""
    before, cpuinfo.CPUINFO = cpuinfo.CPUINFO, Path("proc/cpuinfo")  # type: ignore[misc]
    try:
        yield
    finally:
        cpuinfo.CPUINFO = before  # type: ignore[misc]


def of_host(given: Input) -> int:
    """Read the facts of a host and its APIC IDs."""
    facts.facts(Path.cwd())
    facts.advice(Path.cwd())
    with _own_cpuinfo():
        return command(given)


def run_and_show(given: Input) -> int:
    """Store what workers report, and show it: a file that was written can be read."""
    for name in ("d.json", "d.jsonl"):
        Path(name).unlink(missing_ok=True)
    status = command(given)
    if Path("d.json").exists():
        shown = main(["show", "d.json", "--statistic", "all"])
        assert shown != Status.USAGE, "the result file cannot be read"
    return status


@cache
def bundled_readers() -> dict[str, Reader]:
    """The readers of traces."""
    return plugins(own_only=True).table("reader")


def import_trace(given: Input) -> int:
    """Import a trace; each event that its text names is in the recording."""
    Path(RECORDING).unlink(missing_ok=True)
    status = command(given)
    if status == 0:
        recording = stored.read(Path(RECORDING))
        text = unpacked(given.files[TRACE])
        for name in NAMES if recording.producer != "histogram" else ():
            assert recording.events.get(name, 0) == text.count(f"{name}: ".encode()), name
    return status


def read_recording(given: Input) -> int:
    """Read the file of a recording, and show what it has."""
    try:
        recording = stored.read(Path(RECORDING))
    except UsageError as error:
        print(f"pvbench: {printable(str(error))}", file=sys.stderr)
        return int(error.status)
    imported.document(recording, list(reconcile.sums(recording)))
    return 0


def do_job(given: Input) -> int:
    """Do a job as a worker does; one that asks for many iterations gets one."""
    line, reports = given.files[fuzz_site.JOB].decode(errors="replace"), io.StringIO()
    worker.answer(io.StringIO(line), reports, _short)
    last = decode((reports.getvalue().splitlines() or [""])[-1])
    if not isinstance(last, ErrorReport):
        return 0
    print(f"pvbench: {printable(last.error)}", file=sys.stderr)
    return last.status


def _short(job: Work) -> Work:
    if isinstance(job, Execute):
        return job
    turns = tuple(turn._replace(loops=1, warmup=0) for turn in job.schedule)
    return job._replace(schedule=turns, slice_s=None)
