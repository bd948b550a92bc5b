"""
The file trace of tracefs with the option latency-format.

CPU and flags are joined, and times are microseconds since the first event.

Source: Linux, kernel/trace/trace_output.c, trace_print_lat_context().
"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.recording.reader import LineForm, Reader, line_reader

pvbench_api = 1

# "hackbenc-380 10d.h2. 48585us+: "
_HEAD = (
    rb" {0,40}+(?P<task>[^\n]{1,16}?)-[0-9]{1,10}"
    rb" {1,40}+(?P<cpu>[0-9]{1,5})[^ \n0-9][^ \n]{2,7} {1,40}+"
    rb"(?P<time>[0-9]{1,15})us[ {1,40}+!#*@$]?: "
)
FORM = LineForm(
    _HEAD,
    notices={
        "kernel": (b" latency trace v", rb"# \S+ latency trace v\S+ on (\S+)"),
        "entries": (
            b"# latency: ",
            rb"# latency: [0-9]+ us, #([0-9]+)/([0-9]+), .*#P:([0-9]+)\)",
        ),
        "lost": (b"[LOST ", rb"CPU:([0-9]+) \[LOST ([0-9]*) ?EVENTS\]"),
    },
    signs=[rb"^# \S+ latency trace v"],
)


@hookimpl
def pvbench_readers() -> list[Reader]:
    """See `pvbench.hookspecs.pvbench_readers`."""
    summary = "trace of tracefs in latency-format"
    return [line_reader("latency", summary, FORM, masks="hex", unit="us")]
