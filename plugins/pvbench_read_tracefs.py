"""
The files trace and trace_pipe of tracefs, also with record-tgid, noirq-info and other clocks.

A mask is hex, in groups of 8 digits.

Source: Linux, kernel/trace/trace_output.c, trace_print_context().
"""

from __future__ import annotations

import re

from pvbench.errors import UsageError
from pvbench.hookspecs import hookimpl
from pvbench.recording.reader import EVENT, LineForm, Lines, Reader

pvbench_api = 1

# "comm-pid (tgid) [000] d..2. 65.000000: "
_HEAD = (
    rb" {0,40}+(?P<task>[^\n]{1,40}?)-[0-9]{1,10} {1,40}+(?:\([ 0-9-]{1,12}\) {1,40}+)?"
    rb"\[(?P<cpu>[0-9]{1,5})\] {1,40}+(?:[^ \n0-9][^ \n]{2,7} {1,40}+)?"
    rb"(?P<time>[0-9]{1,9}(?:\.[0-9]{1,9})?|[0-9]{10,18}): "
)
FORM = LineForm(
    _HEAD,
    event=rb"(?=\w+: [^ ])" + EVENT,
    notices={
        "entries": (
            b"# entries-in-buffer/",
            rb"# entries-in-buffer/entries-written: ([0-9]+)/([0-9]+) +#P:([0-9]+)",
        ),
        "lost": (b"[LOST ", rb"CPU:([0-9]+) \[LOST ([0-9]*) ?EVENTS\]"),
    },
    signs=[rb"^# entries-in-buffer/entries-written: "],
)
_RAW = re.compile(rb"^[0-9]+ [0-9]+ [0-9]+ type: [0-9]+$", re.MULTILINE)


def score(start: bytes) -> int:
    """See `Reader`; raw text is recognised to be refused."""
    return FORM.score(start) or len(_RAW.findall(start))


def parse(block: bytes) -> Lines:
    """
    See `Reader`.

    Raises:
        UsageError: the text is raw.
    """
    if _RAW.search(block):
        raise UsageError(
            "the text is raw: it has numbers of events and no fields",
            fix="Record with the option raw off: echo noraw > trace_options.",
        )
    return FORM.parse(block)


@hookimpl
def pvbench_readers() -> list[Reader]:
    """See `pvbench.hookspecs.pvbench_readers`."""
    summary = "trace and trace_pipe of tracefs"
    return [Reader(name="tracefs", summary=summary, score=score, parse=parse, masks="hex")]
