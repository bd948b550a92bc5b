"""The manager's side of a worker: start it, serve it, end it.  Site plugins use this."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Final

from pvbench.delivery import Description
from pvbench.errors import ProtocolError, SiteError, WorkerError
from pvbench.protocol import (
    Answer,
    Ask,
    Describe,
    DescriptionReport,
    Done,
    ErrorReport,
    Execute,
    Job,
    Message,
    OutcomeReport,
    Report,
    Request,
    SliceReport,
)
from pvbench.shapes import printable
from pvbench.started_worker import StartedWorker, Workers

_Answers = type[SliceReport] | type[OutcomeReport] | type[DescriptionReport]
_REPORTS: Final[dict[type[Request], _Answers]] = {
    Job: SliceReport,
    Execute: OutcomeReport,
    Describe: DescriptionReport,
}


def described_by(command: Sequence[str], request: Describe, *, timeout_s: float) -> Description:
    """
    The answer to *request* of a process that runs `pvbench.describe`.

    Its other lines go to standard error as they come: probing takes a while.

    Raises:
        SiteError: it answers with an error.
        WorkerError, ProtocolError: it does not answer, or its answer cannot be read.
    """
    answers = reports_of(command, request, timeout_s=timeout_s, on_line=_print_line)
    return description_in(answers, request)


def description_in(reports: Generator[Report, None, None], request: Describe) -> Description:
    """
    The description that *reports* on *request* carry.

    Raises:
        SiteError: they carry an error.
        ProtocolError: the description cannot be read.
    """
    with closing(reports):
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
    workers: Workers | None = None,
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
        workers: those of its session, which another thread can end.

    Raises:
        WorkerError: the worker cannot be started, takes too long, or ends too early.
        ProtocolError: a report cannot be read.
    """
    worker = StartedWorker.started(command, inherited, on_line or _ignore)
    stays = yield from reports_from(
        worker, request, timeout_s=timeout_s, workers=workers or Workers()
    )
    if stays:
        worker.end()


def _ignore(line: str) -> None:
    pass


def reports_from(
    worker: StartedWorker, request: Request, *, timeout_s: float, workers: Workers
) -> Generator[Report, None, bool]:
    """
    Send *worker* a request, and yield its reports as `reports_of` does.

    Returns:
        Whether it is done and stays; otherwise it has ended.
    """
    deadline = threading.Timer(timeout_s, worker.expire)
    deadline.start()
    reports, stays = 0, False
    try:
        with workers.holding(worker.process):
            for report in _answered(worker, request):
                if isinstance(report, Done):
                    stays = True
                    break
                reports += 1
                yield report
                if isinstance(report, ErrorReport):
                    return False
    except ProtocolError:
        if not worker.expired.is_set():  # otherwise it was ended in the middle of a line
            raise
    finally:
        deadline.cancel()
        status = None if stays else worker.end()
    if worker.expired.is_set():
        worker.end()
        raise WorkerError(f"the boot took longer than {timeout_s:g} s, see --timeout")
    if status or reports < request.replies:
        raise WorkerError(f"the worker ended with status {status}", why=worker.last_output())
    return stays


def _answered(worker: StartedWorker, request: Request) -> Generator[Report | Done, None, None]:
    """
    Send *request*, answer the worker's questions, and yield the reports in the order due,
    and at last that it is done if it stays.
    """
    worker.tell(request)
    reports = 0
    for message in worker.messages():
        if isinstance(message, Ask) and isinstance(request, Job):
            worker.tell(answer_to(request, message))
        elif isinstance(message, Done) and reports == request.replies:
            yield message
        else:
            yield due(request, message, reports)
            reports += 1
    worker.process.wait()


def due(request: Request, message: Message, number: int) -> Report:
    """
    *message* as report number *number* on *request*.

    Raises:
        ProtocolError: another report is due, or none.
    """
    if isinstance(message, ErrorReport):
        return message
    if not isinstance(message, _REPORTS[type(request)]) or number >= request.replies:
        raise ProtocolError(f"it sends {type(message).__name__} out of turn")
    if isinstance(message, SliceReport) and message.number != number:
        raise ProtocolError(f"slice {message.number} is not the next one")
    if isinstance(message, OutcomeReport) and message.number != number:
        raise ProtocolError(f"trial {message.number} is not the next one")
    return message


def answer_to(job: Job, ask: Ask) -> Answer:
    """
    The answer to a worker that asks for ops.

    Raises:
        ProtocolError: its job has no such burst or target.
    """
    if ask.task >= len(job.tasks) or ask.burst >= len(job.tasks[ask.task].bursts):
        raise ProtocolError("it asks for the ops of a burst that is not in its job")
    burst = job.tasks[ask.task].bursts[ask.burst]
    if unexpected := sorted(set(ask.cpus) - set(burst.targets)):
        raise ProtocolError(
            f"it asks for CPU {unexpected[0]}, which is not a target of its burst"
        )
    return Answer(job.tasks[ask.task].program_for(ask.burst, ask.cpus))
