"""
Run one boot: read a job from standard input, write reports to standard output.

Both are messages of `pvbench.protocol`.  The worker imports the delivery and little else.
A delivery may ask the manager for the ops of a burst that sends to some CPUs only.

As a program: python -m pvbench.run.worker [--stay] [PARENT_PID]

With ``--stay`` it does one job after another, and says after each one that it is done.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import IO, Final

import attrs

from pvbench.delivery import LoadedTask, Task
from pvbench.end_with_parent import end_after, end_with_parent, no_longer_end
from pvbench.errors import ProtocolError, PvbenchError, UnavailableError
from pvbench.importing import delivery_of
from pvbench.ops import Program
from pvbench.protocol import (
    Answer,
    Ask,
    Done,
    ErrorReport,
    Execute,
    Job,
    Message,
    OutcomeReport,
    SliceReport,
    Turn,
    Work,
    decode,
    encode,
)
from pvbench.trials import Outcome

STAY: Final = "--stay"
_FEWEST: Final = 10  # iterations of a slice, however slow they are


def main() -> None:
    """Serve one job, or several; other output of this process goes to standard error."""
    arguments = sys.argv[1:]
    if parent := [word for word in arguments if word != STAY]:
        end_with_parent(int(parent[0]))  # a guest must not outlive its run
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    while answer(sys.stdin, reports, _until_deadline) and STAY in arguments:
        no_longer_end()
        _write(reports, Done())


def answer(messages: IO[str], reports: IO[str], accept: Callable[[Work], Work]) -> bool:
    """
    Do the work that comes first, as *accept* returns it; a failure is the last report.

    Returns:
        Whether the work was done.
    """
    try:
        request = decode(messages.readline())
        if not isinstance(request, Job | Execute):
            raise ProtocolError("a worker starts with a job")
        work = accept(request)
        if isinstance(work, Execute):
            execute(work, reports)
        else:
            serve(work, messages, reports)
        return True
    except PvbenchError as error:
        _write(reports, ErrorReport(str(error), error.status))
    except Exception as error:  # code of a delivery may raise anything, and so may bad jobs
        from pvbench.text import text_of  # no worker needs it otherwise

        _write(reports, ErrorReport(f"the worker fails: {text_of(error)}"))
    return False


def _until_deadline(work: Work) -> Work:
    end_after(work.deadline_s)
    return work


def serve(job: Job, answers: IO[str], reports: IO[str]) -> None:
    """Boot the job's guest and run its schedule."""
    if job.start_delay_us:
        time.sleep(job.start_delay_us / 1e6)
    delivery = delivery_of(job.delivery_module, job.delivery)
    tasks = [_asking(number, task, answers, reports) for number, task in enumerate(job.tasks)]
    schedule = job.schedule
    with delivery.boot(job.guest, job.worker_data) as booted:
        loaded = [booted.load(task) for task in tasks]
        if job.slice_s is not None:
            schedule = _paced(loaded, schedule, job.slice_s)
        for number, turn in enumerate(schedule):
            result = loaded[turn.task].run(loops=turn.loops, warmup=turn.warmup)
            _write(reports, SliceReport(number, result))


def execute(request: Execute, reports: IO[str]) -> None:
    """Execute each trial; if the guest is lost, the next one is executed in another guest."""
    delivery = delivery_of(request.delivery_module, request.delivery)
    remaining = deque(enumerate(request.trials))
    while remaining:
        with delivery.boot(request.guest, request.worker_data) as booted:
            run = getattr(booted, "execute", None)
            if run is None:
                raise UnavailableError(f"{delivery.name} cannot execute raw programs")
            is_lost = False
            while remaining and not is_lost:
                number, programs = remaining.popleft()
                try:
                    outcome = run(programs, request.target_state)
                except PvbenchError as error:
                    outcome, is_lost = Outcome(lost=str(error)), True
                _write(reports, OutcomeReport(number, outcome))


def _paced(
    loaded: list[LoadedTask], schedule: tuple[Turn, ...], slice_s: float
) -> tuple[Turn, ...]:
    """*schedule* with as many iterations as fit the time of a slice."""
    longest = {turn.task: turn.loops for turn in schedule}
    loops = {task: _fitting(loaded[task], count, slice_s) for task, count in longest.items()}
    return tuple(
        Turn(turn.task, loops[turn.task], min(turn.warmup, loops[turn.task]))
        for turn in schedule
    )


def _fitting(task: LoadedTask, loops: int, slice_s: float) -> int:
    """*loops*, halved until a slice of them takes no longer than *slice_s*."""
    took = _seconds(task, _FEWEST)
    iteration_s = took / _FEWEST
    if took < slice_s:  # a slice has a fixed cost too
        iterations = (
            min(max(int(slice_s / 2 / iteration_s), _FEWEST), 9 * _FEWEST)
            if iteration_s
            else _FEWEST
        )
        iteration_s = (_seconds(task, _FEWEST + iterations) - took) / iterations
    while loops > _FEWEST and loops * iteration_s > slice_s:
        loops = max(loops // 2, _FEWEST)
    return loops


def _seconds(task: LoadedTask, loops: int) -> float:
    start = time.monotonic()
    task.run(loops=loops, warmup=0)
    return time.monotonic() - start


def _asking(number: int, task: Task, answers: IO[str], reports: IO[str]) -> Task:
    """*task* with a `program_for` that asks the manager, once for each set of CPUs."""
    programs: dict[tuple[int, tuple[int, ...]], Program] = {}

    def program_for(burst: int, cpus: tuple[int, ...]) -> Program:
        if (burst, cpus) not in programs:
            _write(reports, Ask(number, burst, cpus))
            answer = decode(answers.readline())
            if not isinstance(answer, Answer):
                raise ProtocolError("the manager did not answer with ops")
            programs[burst, cpus] = answer.program
        return programs[burst, cpus]

    return attrs.evolve(task, program_for=program_for)


def _write(reports: IO[str], message: Message) -> None:
    reports.write(encode(message))
    reports.flush()


if __name__ == "__main__":
    main()
