"""
What the guest and this process say to each other: a line of words each.

The guest is untrusted: every line is checked.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Final

import attrs

from pvbench.errors import WorkerError
from pvbench.slice_result import Distribution
from pvbench.text import one_line

_LONGEST: Final = 1 << 20  # bytes of a line
_MOST: Final = 64  # lines of an answer
_NUMBER: Final = re.compile(r"[0-9]{1,18}(\.[0-9])?")
SERIES: Final = ("operation", "bystander")


@attrs.frozen(kw_only=True)
class Answer:
    """
    What a program did.

    Args:
        wall_ns: the time of its timed phase.
        operations: how many there were.
        times: in nanoseconds, by series of `SERIES`.
    """

    wall_ns: int
    operations: int
    times: dict[str, Distribution]


class Control:
    """The host's end of the serial port; *ended* says why the guest says no more."""

    def __init__(
        self, connection: socket.socket, ended: Callable[[], WorkerError] | None = None
    ) -> None:
        self._connection, self._lines = connection, connection.makefile("rb")
        self.ended = ended or (lambda: WorkerError("the guest has ended"))

    def facts(self) -> dict[str, str]:
        """
        Wait until the guest has booted; its facts.

        Raises:
            WorkerError: it has ended.
        """
        facts: dict[str, str] = {}
        for _ in range(_MOST):
            word, _, rest = self._read().partition(" ")
            if word == "ready":
                return facts
            if word == "fact":
                name, _, value = rest.partition(" ")
                facts[name] = value or "unknown"
        raise WorkerError("the guest does not become ready")

    def phase(self, request: str, during: Callable[[], None]) -> list[str]:
        """
        Let the guest execute *request* and return its answer, a line each.

        *during* is called when all is prepared, and again when the timed phase is over.

        Raises:
            WorkerError: the guest cannot execute it, or has ended.
        """
        self._write(request)
        for expected in ("prepared", "done"):
            if (line := self._read()) != expected:
                raise _failed(line)
            during()
            self._write("go")
        answer: list[str] = []
        for _ in range(_MOST):
            line = self._read()
            if line == "end":
                return answer
            if line.startswith("error "):
                raise _failed(line)
            answer.append(line)
        raise WorkerError("the answer of the guest does not end")

    def close(self) -> None:
        """Close this end."""
        self._lines.close()
        self._connection.close()

    def _read(self) -> str:
        try:
            line = self._lines.readline(_LONGEST)
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            raise self.ended()
        return line.decode("ascii", "replace").strip()

    def _write(self, line: str) -> None:
        try:
            self._connection.sendall(line.encode() + b"\n")
        except OSError:
            raise self.ended() from None


def _failed(line: str) -> WorkerError:
    reason = one_line(line.removeprefix("error "))
    return WorkerError("the guest cannot run the program", why=reason)


def answer_of(lines: list[str]) -> Answer:
    """
    What a program did, as the guest says it.

    Raises:
        WorkerError: it makes no sense.
    """
    numbers: dict[str, int] = {}
    times: dict[str, Distribution] = {}
    try:
        for word, *words in map(str.split, lines):
            if word == "times":
                times[_series(words[0])] = _distribution(words[1:])
            else:
                numbers[word] = int(_checked(words[0]))
        return Answer(wall_ns=numbers["wall"], operations=numbers["operations"], times=times)
    except (LookupError, ValueError) as error:
        raise WorkerError("the guest's answer makes no sense", why=str(error)) from None


def _series(name: str) -> str:
    if name not in SERIES:
        raise ValueError(f"{name!r} is no series")
    return name


def _checked(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:20]!r} is no number")
    return text


def _distribution(words: list[str]) -> Distribution:
    samples, total, median, p99, minimum, maximum, *histogram = words
    return Distribution(
        samples=int(_checked(samples)),
        total=int(_checked(total)),
        median=float(_checked(median)),
        p99=float(_checked(p99)),
        minimum=int(_checked(minimum)),
        maximum=int(_checked(maximum)),
        histogram=" ".join(histogram),
    )
