"""A worker process, its messages and its other output; and the workers of one session."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Final

import attrs

from pvbench.errors import WorkerError
from pvbench.process_group import kill_group
from pvbench.protocol import LONGEST_LINE, Message, decode, encode
from pvbench.shapes import printable

_KEPT_LINES: Final = 100  # lines
_LONGEST_LINE: Final = 10_000  # characters
_DRAIN_S: Final = 10.0  # for the last lines of standard error, which a child may keep open


@attrs.frozen(eq=False)
class StartedWorker:
    """
    A worker process and its output.

    Args:
        last_lines: the last lines that are no reports, from both of its outputs.
        expired: it took too long.
    """

    process: subprocess.Popen[str]
    last_lines: deque[str]
    drain: threading.Thread
    expired: threading.Event

    @classmethod
    def started(
        cls, command: Sequence[str], inherited: Sequence[int], on_line: Callable[[str], None]
    ) -> StartedWorker:
        """
        Start *command* in a process group of its own.

        So the programs of a wrapper end with it, and a Ctrl-C in a terminal is for the
        manager alone, which then ends the worker.

        Raises:
            WorkerError: it cannot be started.
        """
        try:
            process = subprocess.Popen(
                [*command, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=inherited,
                process_group=0,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            reason = f"{command[0]} cannot be started: {error.strerror}"
            raise WorkerError(reason) from None
        last_lines: deque[str] = deque(maxlen=_KEPT_LINES)
        drain = threading.Thread(
            target=_collect, args=(process.stderr, last_lines, on_line), daemon=True
        )
        drain.start()
        return cls(process, last_lines, drain, threading.Event())

    def messages(self) -> Iterator[Message]:
        """The messages of the worker until its output ends; other lines are kept."""
        assert self.process.stdout  # noqa: S101 - a pipe
        while line := self.process.stdout.readline(LONGEST_LINE):
            message = decode(line)
            if message is None:
                self.last_lines.append(line[:_LONGEST_LINE])
            else:
                yield message

    def tell(self, message: Message) -> None:
        """Send *message* to the worker."""
        assert self.process.stdin  # noqa: S101 - a pipe
        with suppress(BrokenPipeError):  # it has ended, and its output says why
            self.process.stdin.write(encode(message))
            self.process.stdin.flush()

    def expire(self) -> None:
        """Kill a worker that took too long."""
        self.expired.set()
        kill_group(self.process)

    def end(self) -> int:
        """
        Kill the worker unless it has ended, collect its output, and return its exit status.
        """
        kill_group(self.process)
        status = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):  # its children may write to it
            with suppress(BrokenPipeError):
                if stream:
                    stream.close()
        self.drain.join(_DRAIN_S)
        return status

    def last_output(self) -> str:
        """The last line that the worker printed beside its reports."""
        lines = [text for line in self.last_lines if (text := printable(line))]
        return lines[-1] if lines else "no output on stderr"


def _collect(stream: IO[str], lines: deque[str], on_line: Callable[[str], None]) -> None:
    with stream:
        while line := stream.readline(_LONGEST_LINE):
            lines.append(line)
            on_line(line)


@attrs.frozen(eq=False)
class Workers:
    """
    The processes of a session that are under way, perhaps of several threads.

    Each leads a process group.
    """

    _under_way: set[subprocess.Popen[Any]] = attrs.field(factory=set)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    @contextmanager
    def holding(self, process: subprocess.Popen[Any]) -> Iterator[None]:
        """*process* is under way in this context."""
        with self._lock:
            self._under_way.add(process)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(process)

    def end(self) -> None:
        """Kill all processes that are under way, and wait until they have ended."""
        with self._lock:
            processes = tuple(self._under_way)
        for process in processes:
            kill_group(process)
        for process in processes:
            process.wait()
