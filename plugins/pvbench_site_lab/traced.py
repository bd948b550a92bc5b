"""
A request whose functions of the kernel are recorded, as host and agent exchange it.

It is a line with the names of the functions before the request itself, and the agent adds a
line to the answer.  For the protocol both lines are other output.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Final

import attrs

from pvbench.errors import ProtocolError
from pvbench.shapes import items, json_value, one_line, record

_REQUEST: Final = "#pvbench-lab-trace "
_ANSWER: Final = "#pvbench-lab-traced "


@attrs.frozen(kw_only=True)
class Recorded:
    """
    Which of the functions ran; those that are in neither list cannot be traced.

    Args:
        missing: why the kernel cannot tell; '' if it can.
    """

    ran: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    missing: str = ""


_RECORDED: Final = record(Recorded, ran=items(one_line), idle=items(one_line), missing=one_line)


def request_of(names: Iterable[str], request: str) -> str:
    """*request*, for which the functions called *names* are to be recorded."""
    return f"{_REQUEST}{json.dumps(sorted(names))}\n{request}"


def split(text: str) -> tuple[Collection[str] | None, str]:
    """The names of the functions to record, and the request; None if none are."""
    if not text.startswith(_REQUEST):
        return None, text
    names, _, request = text.removeprefix(_REQUEST).partition("\n")
    return json.loads(names), request


def line_of(recorded: Recorded) -> str:
    """The line of an answer."""
    return f"{_ANSWER}{json.dumps(attrs.asdict(recorded))}\n"


def recorded_in(line: str) -> Recorded | None:
    """
    What a line of an answer says; None if it says nothing about functions.

    Raises:
        ProtocolError: it cannot be read.
    """
    if not line.startswith(_ANSWER):
        return None
    try:
        return _RECORDED(json_value(line.removeprefix(_ANSWER)))
    except ValueError:
        raise ProtocolError("the functions that ran cannot be read") from None
