"""
One boot: a job comes in on standard input, reports go out on standard output.

Both are JSON, one value a line.  The worker imports the delivery and little
else.  It may ask back for the ops of a burst that sends to some CPUs only:

    {"ask": [case, burst, [cpus]]}      answered by {"program": rows}
    {"slice": n, "result": {...}}        after each slice of the schedule
    {"error": "..."}                    instead of the rest
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import IO, Any, Final

from pvbench.delivery import Algorithm, Delivery, LoadedTask, Task
from pvbench.errors import PvbenchError
from pvbench.guest import Guest
from pvbench.ops import Burst, Program, from_rows
from pvbench.plugin.importing import imported
from pvbench.worker_process import end_with_parent

_FEWEST: Final = 10  # iterations of a slice, however slow


def main() -> None:
    """Serve one job; anything else that is printed goes to standard error."""
    end_with_parent()  # no guest may outlive the run it is for
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        serve(json.loads(sys.stdin.readline()), sys.stdin, reports)
    except PvbenchError as error:
        _report(reports, {"error": str(error)})


def serve(job: dict[str, Any], answers: IO[str], reports: IO[str]) -> None:
    """Boot the job's guest and run its schedule."""
    delivery = _delivery(job["delivery_module"], job["delivery"])
    guest = Guest(**job["guest"])
    tasks = [_task(number, case, answers, reports) for number, case in enumerate(job["cases"])]
    schedule: list[tuple[int, int, int]] = job["schedule"]
    with delivery.boot(guest, job["settings"]) as booted:
        loaded = [booted.load(task) for task in tasks]
        if job["slice_s"] is not None:
            schedule = _paced(loaded, schedule, job["slice_s"])
        for number, (case, loops, warmup) in enumerate(schedule):
            result = loaded[case].run(loops=loops, warmup=warmup)
            _report(reports, {"slice": number, "result": result.to_json()})


def _paced(
    loaded: list[LoadedTask], schedule: list[tuple[int, int, int]], slice_s: float
) -> list[tuple[int, int, int]]:
    """*schedule* with as many iterations as there is time for."""
    wanted = {case: loops for case, loops, _ in schedule}
    fitting = {case: _fitting(loaded[case], loops, slice_s) for case, loops in wanted.items()}
    return [(case, fitting[case], min(warmup, fitting[case])) for case, _, warmup in schedule]


def _fitting(task: LoadedTask, loops: int, slice_s: float) -> int:
    """*loops*, halved until a slice of them takes no longer than *slice_s*."""
    took = _seconds(task, _FEWEST)
    each = took / _FEWEST
    if took < slice_s:  # a slice costs something of its own
        more = min(max(int(slice_s / 2 / each), _FEWEST), 9 * _FEWEST) if each else _FEWEST
        each = (_seconds(task, _FEWEST + more) - took) / more
    while loops > _FEWEST and loops * each > slice_s:
        loops = max(loops // 2, _FEWEST)
    return loops


def _seconds(task: LoadedTask, loops: int) -> float:
    start = time.monotonic()
    task.run(loops=loops, warmup=0)
    return time.monotonic() - start


def _delivery(module: str, name: str) -> Delivery:
    offered = imported(module).pvbench_deliveries()
    found: Delivery = next(d for d in offered if d.name == name)
    return found


def _task(number: int, case: dict[str, Any], answers: IO[str], reports: IO[str]) -> Task:
    known: dict[tuple[int, tuple[int, ...]], Program] = {}

    def program_for(burst: int, cpus: tuple[int, ...]) -> Program:
        if (burst, cpus) not in known:
            _report(reports, {"ask": [number, burst, cpus]})
            known[burst, cpus] = from_rows(json.loads(answers.readline())["program"])
        return known[burst, cpus]

    return Task(
        bursts=tuple(Burst(**burst) for burst in case["bursts"]),
        programs=tuple(from_rows(rows) for rows in case["programs"]),
        reached=tuple(tuple(cpus) for cpus in case["reached"]),
        program_for=program_for,
        target_state=case["target_state"],
        lossy=case["lossy"],
        mechanism=case["mechanism"],
        algorithm=Algorithm(**case["algorithm"]),
    )


def _report(reports: IO[str], value: dict[str, Any]) -> None:
    reports.write(json.dumps(value) + "\n")
    reports.flush()


if __name__ == "__main__":
    main()
