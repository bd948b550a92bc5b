"""The manager's side of a worker: start it, serve it, end it.  Site plugins use this."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from typing import IO, Final

import attrs

from pvbench.delivery import Description
from pvbench.errors import ProtocolError, SiteError, WorkerError
from pvbench.protocol import (
    LONGEST_LINE,
    Answer,
    Ask,
    Describe,
    DescriptionReport,
    ErrorReport,
    Execute,
    Job,
    Message,
    OutcomeReport,
    Report,
    Request,
    SliceReport,
    decode,
    encode,
)
from pvbench.shapes import printable

_Answers = type[SliceReport] | type[OutcomeReport] | type[DescriptionReport]
_REPORTS: Final[dict[type[Request], _Answers]] = {
    Job: SliceReport,
    Execute: OutcomeReport,
    Describe: DescriptionReport,
}
_KEPT_LINES: Final = 100  # lines
_LONGEST_LINE: Final = 10_000  # characters


def described_by(command: Sequence[str], request: Describe, *, timeout_s: float) -> Description:
    """
    The answer to *request* of a process that runs `pvbench.describe`.

    Its other lines go to standard error as they come: probing takes a while.

    Raises:
        SiteError: it answers with an error.
        WorkerError, ProtocolError: it does not answer, or its answer cannot be read.
    """
    answers = reports_of(command, request, timeout_s=timeout_s, on_line=_print_line)
    with closing(answers) as reports:
        try:
            for report in reports:
                if isinstance(report, ErrorReport):
                    raise SiteError(report.error, report.status)
                if isinstance(report, DescriptionReport):
                    description = report.description
        except ProtocolError as error:
            what = f"the description of delivery {request.delivery} cannot be read"
            raise ProtocolError(what, why=str(error)) from None
    return description


def _print_line(line: str) -> None:
    """Print a line of progress; other lines are not meant for the user."""
    if line.startswith("pvbench: "):
        print(printable(line), file=sys.stderr)


def reports_of(
    command: Sequence[str],
    request: Request,
    *,
    timeout_s: float,
    inherited: Sequence[int] = (),
    on_line: Callable[[str], None] | None = None,
) -> Generator[Report, None, None]:
    """
    Start a worker, send it *request*, and yield its reports until it is done.

    The worker ends when the iteration does, however that comes about.  It must go on in
    the thread that began it, because a worker ends with the thread that started it.

    Args:
        request: what the worker is to do.
        command: argument vector of the worker; the manager's process ID is added.
        timeout_s: by the manager's clock, for a worker's own may race.
        inherited: file descriptors that the worker keeps open as long as it lives.
        on_line: is called with each line of its standard error.

    Raises:
        WorkerError: the worker cannot be started, takes too long, or ends too early.
        ProtocolError: a report cannot be read.
    """
    worker = _Worker.started(command, inherited, on_line or _ignore)
    deadline = threading.Timer(timeout_s, worker.expire)
    deadline.start()
    reports = 0
    try:
        for report in worker.reports(request):
            reports += 1
            yield report
            if isinstance(report, ErrorReport):
                return
    except ProtocolError:
        if not worker.expired.is_set():  # otherwise it was ended in the middle of a line
            raise
    finally:
        deadline.cancel()
        status = worker.end()
    if worker.expired.is_set():
        raise WorkerError(f"the boot took longer than {timeout_s:g} s, see --timeout")
    if status or reports < request.replies:
        raise WorkerError(f"the worker ended with status {status}", why=worker.last_output())


@attrs.frozen(eq=False)
class _Worker:
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
    ) -> _Worker:
        try:
            process = subprocess.Popen(
                [*command, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=inherited,
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

    def reports(self, request: Request) -> Iterator[Report]:
        """
        Send *request*, answer the worker's questions, and yield the reports in the order due.
        """
        self._tell(request)
        reports = 0
        for message in self._messages():
            if isinstance(message, Ask) and isinstance(request, Job):
                self._tell(_answer(request, message))
                continue
            yield _due(request, message, reports)
            reports += 1
        self.process.wait()

    def _messages(self) -> Iterator[Message]:
        assert self.process.stdout  # noqa: S101 - a pipe
        while line := self.process.stdout.readline(LONGEST_LINE):
            message = decode(line)
            if message is None:
                self.last_lines.append(line[:_LONGEST_LINE])
            else:
                yield message

    def _tell(self, message: Message) -> None:
        assert self.process.stdin  # noqa: S101 - a pipe
        with suppress(BrokenPipeError):  # it has ended, and its output says why
            self.process.stdin.write(encode(message))
            self.process.stdin.flush()

    def expire(self) -> None:
        """Kill a worker that took too long."""
        self.expired.set()
        self.process.kill()

    def end(self) -> int:
        """
        Kill the worker unless it has ended, collect its output, and return its exit status.
        """
        self.process.kill()
        status = self.process.wait()
        self.drain.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with suppress(BrokenPipeError):
                if stream:
                    stream.close()
        return status

    def last_output(self) -> str:
        """The last line that the worker printed beside its reports."""
        lines = [text for line in self.last_lines if (text := printable(line))]
        return lines[-1] if lines else "no output on stderr"


def _collect(stream: IO[str], lines: deque[str], on_line: Callable[[str], None]) -> None:
    while line := stream.readline(_LONGEST_LINE):
        lines.append(line)
        on_line(line)


def _ignore(line: str) -> None:
    pass


def _due(request: Request, message: Message, number: int) -> Report:
    """*message*, if it is a valid report number *number* on the request."""
    if isinstance(message, ErrorReport):
        return message
    if not isinstance(message, _REPORTS[type(request)]) or number >= request.replies:
        raise ProtocolError(f"it sends {type(message).__name__} out of turn")
    if isinstance(message, SliceReport) and message.number != number:
        raise ProtocolError(f"slice {message.number} is not the next one")
    if isinstance(message, OutcomeReport) and message.number != number:
        raise ProtocolError(f"trial {message.number} is not the next one")
    return message


def _answer(job: Job, ask: Ask) -> Answer:
    if ask.task >= len(job.tasks) or ask.burst >= len(job.tasks[ask.task].bursts):
        raise ProtocolError("it asks for the ops of a burst that is not in its job")
    burst = job.tasks[ask.task].bursts[ask.burst]
    if unexpected := sorted(set(ask.cpus) - set(burst.targets)):
        raise ProtocolError(
            f"it asks for CPU {unexpected[0]}, which is not a target of its burst"
        )
    return Answer(job.tasks[ask.task].program_for(ask.burst, ask.cpus))
