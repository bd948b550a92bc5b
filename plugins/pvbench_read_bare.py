"""
Events of an unknown program: perhaps a task, a CPU and a time, then ``event: fields``.

This is how traces are quoted in mails.  Whether a mask is a list or hex is unknown.
"""

from __future__ import annotations

from pvbench.hookspecs import hookimpl
from pvbench.recording.reader import LineForm, Reader

pvbench_api = 1

_HEAD = (
    rb" {0,40}+(?:(?P<task>[^\n]{1,40}?)-[0-9]{1,10}:?"
    rb" {1,40}+)?(?:\[(?P<cpu>[0-9]{1,5})\] {1,40}+)?"
    rb"(?:[^ \n0-9][^ \n]{3,5} {1,40}+)?(?:(?P<time>[0-9]{1,9}\.[0-9]{1,9}):"
    rb" {1,40}+)?(?:\w{1,32}:)?"
)
FORM = LineForm(_HEAD)


def score(start: bytes) -> int:
    """See `Reader`; any other reader that knows the form comes first."""
    return min(FORM.score(start), 1)


@hookimpl
def pvbench_readers() -> list[Reader]:
    """See `pvbench.hookspecs.pvbench_readers`."""
    return [
        Reader(
            name="bare",
            summary="events alone, as quoted in mails",
            score=score,
            parse=FORM.parse,
        )
    ]
