"""
The text of `trace-cmd report`, also with -l, -R and -t.

An event's name and colon are padded to 22 characters.  A mask is a list of CPUs.

Source: libtraceevent, tep_print_event().
"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.recording.reader import EVENT, LineForm, Reader, line_reader

pvbench_api = 1

# "comm-pid [010] 88.351485: ", or with -l "comm-pid 10d.h4. 88.351485: "
_HEAD = (
    rb" {0,40}+(?P<task>[^\n]{1,40}?)-[0-9]{1,10} {1,40}+"
    rb"\[?(?P<cpu>[0-9]{1,5})(?:\](?:"
    rb" {1,40}+[^ \n0-9][^ \n]{3,7})?|[^ \n0-9\]][^ \n]{2,7}) {1,40}+"
    rb"(?P<time>[0-9]{1,9}(?:\.[0-9]{1,9})?|[0-9]{10,18}): {1,40}+"
)
FORM = LineForm(
    _HEAD,
    event=rb"(?=\w{1,19}: {2}|\w{20,40}: )" + EVENT,
    notices={
        "cpus": (b"cpus=", rb"cpus=([0-9]+)"),
        "lost": (b"EVENTS DROPPED", rb"CPU:([0-9]+) \[([0-9]*) ?EVENTS DROPPED\]"),
    },
    signs=[rb"^cpus=[0-9]+$"],
)


@hookimpl
def pvbench_readers() -> list[Reader]:
    """See `pvbench.hookspecs.pvbench_readers`."""
    return [line_reader("trace-cmd", "text of trace-cmd report", FORM, masks="list")]
