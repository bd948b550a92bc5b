"""
The text of `perf script`, also with --header, --show-lost-events and -g.

A subsystem is before each event, and a mask is a list of CPUs.

Source: Linux, tools/perf/builtin-script.c.
"""

from __future__ import annotations

import re

from pvbench.errors import UsageError
from pvbench.hookspecs import hookimpl
from pvbench.recording.reader import LineForm, Lines, Reader

pvbench_api = 1

# "CPU 0/KVM 4001 [015] 1000.258053: kvm:"
_HEAD = (
    rb" {0,40}+(?P<task>[^\n]{1,40}?) {1,40}+[0-9/-]{1,22}"
    rb" {1,40}+(?:\[(?P<cpu>[0-9]{1,5})\] {1,40}+)?"
    rb"(?:[^ \n0-9][^ \n]{2,7} {1,40}+)?(?P<time>[0-9]{1,12}\.[0-9]{1,9}): {1,40}+\w{1,32}:"
)
FORM = LineForm(
    _HEAD,
    notices={
        "kernel": (b"# os release : ", rb"# os release : (.{1,80})"),
        "cpus": (b"# nrcpus online : ", rb"# nrcpus online : ([0-9]+)"),
        "model": (b"# cpudesc : ", rb"# cpudesc : (.{1,80})"),
        "lost": (
            b"PERF_RECORD_LOST",
            rb".{1,40}\[([0-9]{1,5})\] +[0-9.]{1,22}: PERF_RECORD_LOST lost ([0-9]+)",
        ),
        "lost chunks": (b" chunks!", rb"Processed [0-9]+ events and lost ([0-9]+) chunks!"),
    },
    signs=[rb"^# perf version : "],
)
_PERF_TRACE = re.compile(rb" \w+:(?:ipi_send|csd_queue)\w+\((?:cpu|callsite)\w*: ")


def score(start: bytes) -> int:
    """See `Reader`; the text of perf trace is recognised to be refused."""
    notices = len(re.findall(rb"PERF_RECORD_LOST lost", start))
    return FORM.score(start) or notices or len(_PERF_TRACE.findall(start))


def parse(block: bytes) -> Lines:
    """
    See `Reader`.

    Raises:
        UsageError: the text is that of perf trace.
    """
    if _PERF_TRACE.search(block):
        raise UsageError(
            "the text is that of perf trace",
            why="perf trace does not print which CPU sends",
            fix="Print the file with perf script.",
        )
    return FORM.parse(block)


@hookimpl
def pvbench_readers() -> list[Reader]:
    """See `pvbench.hookspecs.pvbench_readers`."""
    summary = "text of perf script"
    return [Reader(name="perf-script", summary=summary, score=score, parse=parse, masks="list")]
