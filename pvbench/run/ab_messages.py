"""
The messages between `pvbench ab` and its two sides: one JSON object a line.

A side is a run that boots only when it is told to.  It begins with a greeting:

    {"ab": 3, "boots": n, "guests": n, "is_noisy": b, "sessions": {...}}

If the sites differ, `ab` first lets side b trace the first boot of each guest, to find out
whether the code in which the sites differ is executed.  Then it answers with the boots that
are due, one at a time.  The side stores each, says so, and ends when it is told to end:

    {"trace": n, "other": site}                             {"traced": n}
    {"boot": n, "session": id, "side": s, "first": f}       {"stored": n}
    {"end": true}

A side ends as if by SIGTERM when the pipe ends, because `ab` is gone then.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, Final

import attrs

from pvbench.errors import ProtocolError
from pvbench.shapes import flag, integer, json_value, mapping, one_line, record

VERSION: Final = 3
_LONGEST: Final = 1 << 24  # bytes of a line
_MOST_BOOTS: Final = 1 << 32
_DIGITS: Final = 10  # of the number of a boot


@attrs.frozen(kw_only=True)
class Greeting:
    """
    The first message of a side.

    Args:
        boots: how many boots its plan has.
        guests: how many guests it boots in turn.
        is_noisy: whether other work on the machine changes its times.
        sessions: the session of each boot that an earlier process has stored.
    """

    boots: int
    guests: int
    is_noisy: bool
    sessions: dict[int, str]


@attrs.frozen
class Stored:
    """The boot with this number is on disk."""

    stored: int


@attrs.frozen(kw_only=True)
class Due:
    """
    A boot that is due.

    Args:
        boot: its number.
        session: the session of `pvbench ab`, an ID that no other session has.
        side: the side that is told to boot.
        first: the side that boots first in this pair.
    """

    boot: int
    session: str
    side: str
    first: str

    @property
    def facts(self) -> dict[str, str]:
        """The facts about the pair that the results of the boot store."""
        return {"ab_session": self.session, "ab_side": self.side, "ab_first": self.first}


@attrs.frozen(kw_only=True)
class Trace:
    """
    A boot to trace, which is not stored.

    Args:
        trace: its number.
        other: the site of the other side.
    """

    trace: int
    other: str


@attrs.frozen
class Traced:
    """The boot with this number was traced, if the site can do that."""

    traced: int


@attrs.frozen
class End:
    """No more boots are due."""


Message = Greeting | Trace | Traced | Stored | Due | End


@attrs.define
class Channel:
    """
    One end of the two pipes between `ab` and a side.

    Args:
        reading, writing: file descriptors.
    """

    reading: int
    writing: int
    _rest: bytes = b""

    def tell(self, message: Message) -> None:
        """
        Write a message.

        Raises:
            BrokenPipeError: the other end is closed.
        """
        line = json.dumps(_data(message)).encode() + b"\n"
        while line:
            line = line[os.write(self.writing, line) :]

    def hear(self, wait: Callable[[], object] = lambda: None) -> Message | None:
        """
        The next message; None if the other end is closed.

        Args:
            wait: is called before each read; it returns when there is something to read,
                or raises.

        Raises:
            ProtocolError: a line is not a message.
        """
        while b"\n" not in self._rest:
            wait()
            part = os.read(self.reading, 1 << 16)
            if not part:
                return None
            self._rest += part
            if len(self._rest) > _LONGEST:
                raise ProtocolError(f"a message has more than {_LONGEST} bytes")
        line, _, self._rest = self._rest.partition(b"\n")
        return _message(line)


def _data(message: Message) -> dict[str, Any]:
    match message:
        case Greeting():
            return {"ab": VERSION, **attrs.asdict(message)}
        case End():
            return {"end": True}
    return attrs.asdict(message)


def _message(line: bytes) -> Message:
    try:
        data = json_value(line.decode())
    except ValueError:
        raise ProtocolError("a message is not JSON") from None
    if not isinstance(data, dict):
        raise ProtocolError("a message is not a JSON object")
    if (version := data.get("ab", VERSION)) != VERSION:
        raise ProtocolError(f"its messages have version {version!r:.20}, not {VERSION}")
    shape = next((shape for key, shape in _SHAPES.items() if key in data), None)
    if shape is None:
        raise ProtocolError("a message is of no kind")
    return shape(data)


def _sessions(data: Any) -> dict[int, str]:
    sessions = mapping(one_line)(data)
    if not all(number.isdecimal() and len(number) <= _DIGITS for number in sessions):
        raise ProtocolError("the number of a boot is not a number")
    return {int(number): session for number, session in sessions.items()}


_NUMBER: Final = integer(1, _MOST_BOOTS)
_SHAPES: Final[dict[str, Callable[[Any], Message]]] = {
    "ab": record(
        lambda ab, **fields: Greeting(**fields),
        ab=integer(VERSION, VERSION),
        boots=integer(0, _MOST_BOOTS),
        guests=integer(0, _MOST_BOOTS),
        is_noisy=flag,
        sessions=_sessions,
    ),
    "trace": record(Trace, trace=_NUMBER, other=one_line),
    "traced": record(Traced, traced=_NUMBER),
    "stored": record(Stored, stored=_NUMBER),
    "boot": record(Due, boot=_NUMBER, session=one_line, side=one_line, first=one_line),
    "end": record(lambda end: End(), end=flag),
}
