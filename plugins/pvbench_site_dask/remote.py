"""What the workers of a cluster execute; requests and reports are lines of the protocol."""

from __future__ import annotations

import platform
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from importlib.metadata import entry_points
from typing import Any, Final

import attrs
from distributed import Queue, Status, get_worker

from pvbench.errors import ProtocolError, PvbenchError
from pvbench.host import identity as host_identity
from pvbench.host import lock
from pvbench.ops import Program
from pvbench.protocol import (
    Answer,
    Ask,
    Describe,
    DescriptionReport,
    ErrorReport,
    Execute,
    Job,
    Report,
    decode,
    encode,
)
from pvbench.started_worker import Workers
from pvbench.worker_process import described_by, reports_of
from pvbench_site_dask.machines import RESOURCE, Identity, protocol_software

TOPIC: Final = "pvbench"  # of the events that tell managers about their boots
_PYTHON: Final = (sys.executable, "-P", "-m")
_ANSWER_S: Final = 60.0
_LOOK_S: Final = 0.2  # between two looks whether a boot is still wanted


def software() -> dict[str, str]:
    """pvbench, its protocol and its plugins in this Python, each with a version."""
    plugins = {
        f"plugin {point.name}": f"{point.dist.name} {point.dist.version}"
        for point in entry_points(group="pvbench")
        if point.dist
    }
    return plugins | protocol_software()


def identity(dask_worker: Any) -> dict[str, Any]:
    """The fields of the `Identity` of this worker, which dask gives, without its address."""
    state = dask_worker.state
    return {
        "host": host_identity.host_id(),
        "boot_id": host_identity.boot_id(),
        "name": platform.node(),
        "threads": state.nthreads,
        "timed": RESOURCE in state.total_resources,
        "software": software(),
    }


def identity_of(address: str, fields: dict[str, Any]) -> Identity:
    """The identity of the worker at *address*, which answered with *fields*."""
    return Identity(address=address, **fields)


def describe(request: bytes, timeout_s: float) -> bytes:
    """The line that answers a request to describe a delivery."""
    try:
        message = decode(request.decode())
        if not isinstance(message, Describe):
            raise ProtocolError("it was not asked to describe anything")
        command = (*_PYTHON, "pvbench.describe")
        report: Report = DescriptionReport(described_by(command, message, timeout_s=timeout_s))
    except PvbenchError as error:
        report = ErrorReport(str(error), error.status)
    return encode(report).encode()


def boot(key: str, request: bytes, timeout_s: float, *, timed: bool) -> bytes:
    """
    The lines of the reports on a boot.

    It ends early if the manager no longer wants it, because it was cancelled or is gone.
    """
    _tell(key, begun=get_worker().address)
    workers = Workers()
    try:
        with _alone(key, timed=timed), _while_wanted(key, workers):
            lines = [encode(report) for report in _reports(key, request, timeout_s, workers)]
    except PvbenchError as error:
        lines = [encode(ErrorReport(str(error), error.status))]
    return "".join(lines).encode()


def _reports(key: str, request: bytes, timeout_s: float, workers: Workers) -> Iterator[Report]:
    message = decode(request.decode())
    if not isinstance(message, Job | Execute):
        raise ProtocolError("a boot starts with a job")
    work = _asking(key, message) if isinstance(message, Job) else message
    command = (*_PYTHON, "pvbench.run.worker")
    reports = reports_of(
        command, work, timeout_s=timeout_s, inherited=lock.held(), workers=workers
    )
    with closing(reports):
        yield from reports


def _tell(key: str, **event: str) -> None:
    """Tell the manager of boot *key* something."""
    get_worker().log_event(TOPIC, {"boot": key, **event})


def _alone(key: str, *, timed: bool) -> AbstractContextManager[None]:
    """A timed boot keeps other timed runs of its machine waiting."""
    return lock.alone(lambda line: _tell(key, line=line)) if timed else nullcontext()


@contextmanager
def _while_wanted(key: str, workers: Workers) -> Iterator[None]:
    """End *workers* as soon as this worker of the cluster is no longer to run boot *key*."""
    over = threading.Event()
    member = get_worker()

    def is_wanted() -> bool:
        task = member.state.tasks.get(key)
        if task is None or task.state not in ("executing", "long-running"):
            return False
        return member.status not in (Status.closing, Status.closed)  # it awaits its threads

    watch = threading.Thread(target=_watch, args=(over, is_wanted, workers.end), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()


def _watch(
    over: threading.Event, is_wanted: Callable[[], bool], end: Callable[[], None]
) -> None:
    while not over.wait(_LOOK_S):
        if not is_wanted():
            end()


def _asking(key: str, job: Job) -> Job:
    """*job* with tasks that ask the manager of boot *key* for ops."""
    return job._replace(
        tasks=tuple(
            attrs.evolve(task, program_for=partial(_program_for, key, number))
            for number, task in enumerate(job.tasks)
        )
    )


def _program_for(key: str, task: int, burst: int, cpus: tuple[int, ...]) -> Program:
    """The ops that the manager of boot *key* sends; each question has a queue of its own."""
    answers = Queue(f"pvbench-{uuid.uuid4().hex}")
    _tell(key, ask=encode(Ask(task, burst, cpus)), queue=answers.name)
    try:
        answer = decode(answers.get(timeout=_ANSWER_S))
    except TimeoutError:
        raise ProtocolError("the manager does not answer with ops") from None
    finally:
        answers.close()
    if not isinstance(answer, Answer):
        raise ProtocolError("the manager did not answer with ops")
    return answer.program
