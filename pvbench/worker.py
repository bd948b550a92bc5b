"""
One boot: a job comes in on standard input, reports go out on standard output.

Both are JSON, one value a line.  The worker imports the delivery and little
else.  It may ask back for the ops of a burst that sends to some CPUs only:

    {"ask": [case, burst, [cpus]]}      answered by {"program": rows}
    {"slice": n, "trace": {...}}        after each slice of the schedule
    {"error": "..."}                    instead of the rest
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import IO, Any, Final

from pvbench.delivery import Algorithm, Delivery, Task
from pvbench.errors import PvbenchError
from pvbench.modules import imported
from pvbench.ops import Burst, Program, from_rows
from pvbench.topology import Guest

_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


def main() -> None:
    """Serve one job; anything else that is printed goes to standard error."""
    _end_with_manager()
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        serve(json.loads(sys.stdin.readline()), sys.stdin, reports)
    except PvbenchError as error:
        _report(reports, {"error": str(error)})


def _end_with_manager() -> None:
    """However the manager ends, no guest of its worker may go on."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def serve(job: dict[str, Any], answers: IO[str], reports: IO[str]) -> None:
    """Boot the job's guest and run its schedule."""
    delivery = _delivery(job["delivery_module"], job["delivery"])
    guest = Guest(**job["guest"])
    tasks = [_task(number, case, answers, reports) for number, case in enumerate(job["cases"])]
    with delivery.boot(guest, job["settings"]) as machine:
        for number, (case, loops, warmup) in enumerate(job["schedule"]):
            trace = machine.run(tasks[case], loops=loops, warmup=warmup)
            _report(reports, {"slice": number, "trace": trace.to_json()})


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
