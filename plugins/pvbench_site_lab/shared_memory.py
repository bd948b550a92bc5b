"""
The channel between the host and the agent: memory that both of them see.

One line of `pvbench.protocol` is the request, and the agent appends the lines of its
answer.  The host writes while the machine is stopped and the agent while it runs, so that
no input arrives at a moment that depends on the host.
"""

from __future__ import annotations

import mmap
import struct
from typing import Final

from pvbench.errors import ProtocolError

SIZE: Final = 64 << 20  # bytes
_HALF: Final = SIZE // 2
_START: Final = 4096  # bytes of a header page

# Words of the header, by offset.
_READY: Final = 0  # the agent waits for requests
_REQUESTS: Final = 8  # the number of requests so far
_REQUEST_SIZE: Final = 16
_ANSWERED: Final = 24  # the number of requests that are done
_STATUS: Final = 32  # how the process of the last one ended, as of waitpid()
_ANSWER_SIZE: Final = 40

_WORD: Final = struct.Struct("<Q")


class SharedMemory:
    """One side's view of the memory, which is zero at first."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory

    def _word(self, offset: int) -> int:
        return int(_WORD.unpack_from(self._memory, offset)[0])

    def _set_word(self, offset: int, value: int) -> None:
        _WORD.pack_into(self._memory, offset, value)

    @property
    def is_ready(self) -> bool:
        """Whether the agent waits for requests."""
        return bool(self._word(_READY))

    def set_ready(self) -> None:
        """The agent waits for requests."""
        self._set_word(_READY, 1)

    def put(self, line: str) -> None:
        """
        Write a request; the machine must be stopped.

        Raises:
            ProtocolError: it is too long.
        """
        content = line.encode()
        if len(content) > _HALF - _START:
            raise ProtocolError(
                f"a job of {len(content)} bytes does not fit the memory of a lab",
                fix="Run fewer cases at once.",
            )
        self._memory[_START : _START + len(content)] = content
        self._set_word(_REQUEST_SIZE, len(content))
        self._set_word(_ANSWER_SIZE, 0)
        self._set_word(_REQUESTS, self._word(_REQUESTS) + 1)

    def request(self) -> str | None:
        """The request that is not done, or None."""
        if self._word(_REQUESTS) == self._word(_ANSWERED):
            return None
        size = self._word(_REQUEST_SIZE)
        return self._memory[_START : _START + size].decode()

    def append(self, text: str) -> None:
        """
        Append to the answer.

        Raises:
            ProtocolError: the answer is too long.
        """
        content, size = text.encode(), self._word(_ANSWER_SIZE)
        if size + len(content) > _HALF:
            raise ProtocolError(f"an answer has more than {_HALF} bytes")
        start = _HALF + size
        self._memory[start : start + len(content)] = content
        self._set_word(_ANSWER_SIZE, size + len(content))

    def answer(self, start: int) -> bytes:
        """The answer from the byte number *start* on, as far as it is there."""
        size = min(self._word(_ANSWER_SIZE), _HALF)
        return self._memory[_HALF + min(start, size) : _HALF + size]

    def has_answer(self, start: int) -> bool:
        """Whether the answer has more than *start* bytes."""
        return self._word(_ANSWER_SIZE) > start

    def finish(self, status: int) -> None:
        """The request is done; its process ended with *status*."""
        self._set_word(_STATUS, status)
        self._set_word(_ANSWERED, self._word(_ANSWERED) + 1)

    @property
    def status(self) -> int | None:
        """How the process of the last request ended, as of waitpid(); None if it has not."""
        is_done = self._word(_REQUESTS) == self._word(_ANSWERED)
        return self._word(_STATUS) if is_done else None


class AnswerStream:
    """The answer as a text stream to write to."""

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory

    def write(self, text: str) -> int:
        """Append *text*."""
        self._memory.append(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is buffered."""
