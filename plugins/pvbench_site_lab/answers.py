"""The answer of an agent to a request, as reports."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable, Iterator

import attrs

from pvbench.errors import WorkerError
from pvbench.protocol import ErrorReport, Report, Request, decode, encode
from pvbench.worker_process import due
from pvbench_site_lab import traced
from pvbench_site_lab.traced import Recorded
from pvbench_site_lab.vm import Vm


def reports_of(vm: Vm, request: Request, timeout_s: float) -> Generator[Report, None, None]:
    """
    Let the machine answer *request*, and yield the reports as they arrive.

    Raises:
        WorkerError: it takes longer than *timeout_s*, or the machine or its process ends.
        ProtocolError: a report cannot be read.
    """
    reports = 0
    for line in _answer(vm, encode(request), timeout_s):
        message = decode(line)
        if message is None:
            continue
        report = due(request, message, reports)
        reports += 1
        yield report
        if isinstance(report, ErrorReport):
            return
    if reports < request.replies:
        raise WorkerError(f"the worker in the lab {_end_of(vm)}", why=vm.last_line())


def functions_of(vm: Vm, request: Request, names: Iterable[str], timeout_s: float) -> Recorded:
    """
    Let the machine answer *request*, and return which of the functions *names* ran.

    Raises:
        WorkerError: it takes longer than *timeout_s*, or the request is not answered.
        ProtocolError: the answer cannot be read.
    """
    for line in _answer(vm, traced.request_of(names, encode(request)), timeout_s):
        if isinstance(report := decode(line), ErrorReport):
            raise WorkerError(report.error)
        if recorded := traced.recorded_in(line):
            return recorded
    raise WorkerError(f"the worker in the lab {_end_of(vm)}", why=vm.last_line())


def _answer(vm: Vm, text: str, timeout_s: float) -> Iterator[str]:
    """The lines of the answer to a request."""
    vm.memory.put(text)
    vm.execute("cont")
    deadline = time.monotonic() + timeout_s
    late = f"the boot took longer than {timeout_s:g} s, see --timeout"
    return _Lines(vm).until(deadline, late)


def _end_of(vm: Vm) -> str:
    """How the process that answered has ended."""
    status = (vm.memory.status or 0) & 0xFFFF  # the lab may have written anything
    if os.WIFSIGNALED(status):
        return f"was ended by signal {os.WTERMSIG(status)}"
    return f"ended with status {os.WEXITSTATUS(status)}"


@attrs.define
class _Lines:
    """The complete lines of an answer."""

    vm: Vm
    size: int = 0  # bytes that were read
    partial: bytes = b""

    def until(self, deadline: float, late: str) -> Iterator[str]:
        memory = self.vm.memory
        is_done = False
        while not is_done:
            self.vm.wait(
                lambda: memory.status is not None or memory.has_answer(self.size),
                deadline,
                late,
            )
            is_done = memory.status is not None  # before the rest is read
            content = memory.answer(self.size)
            self.size += len(content)
            *lines, self.partial = (self.partial + content).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace")
