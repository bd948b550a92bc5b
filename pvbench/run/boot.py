"""The manager's side of one boot: start a worker, serve it, prove what it reports."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from typing import IO, Any

import attrs

from pvbench.errors import PvbenchError
from pvbench.ops import to_rows
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot, Effort
from pvbench.run.prepared import Prepared
from pvbench.run.proof import differences, seconds, ticks_per_second
from pvbench.site import Site
from pvbench.slice_result import SliceResult

# What comes of reading a report that is not one.
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, PvbenchError)


@attrs.frozen(kw_only=True)
class Measured:
    """A case in one boot: its outcome, and for each slice the means in seconds."""

    name: str
    outcome: Outcome
    values: dict[str, list[float]] = attrs.field(factory=dict)
    result: SliceResult | None = None  # of the last slice


@attrs.frozen(kw_only=True)
class Report:
    """One boot: its outcome and its cases."""

    outcome: Outcome
    cases: tuple[Measured, ...]


@attrs.frozen(kw_only=True)
class Launch:
    """
    What every boot of a run has in common.

    Args:
        timeout_s: a boot that takes longer has failed.  By the manager's clock: a
            worker's own may race.
    """

    site: Site
    delivery: str
    delivery_module: str
    clock: str
    settings: dict[str, Any]
    effort: Effort
    timeout_s: float = 600


def run_boot(boot: Boot, launch: Launch) -> Report:
    """Run one boot in a worker of its own; never raises for what happens there."""
    job = job_of(boot, launch)
    try:
        results, error = _work(job, boot, launch)
        cases = () if error else tuple(_measured(boot, launch, job, results))
    except _UNREADABLE as broken:
        error = f"the worker's report cannot be read: {broken!r}"
    except OSError as broken:
        error = f"{launch.site.command()[0]} cannot be started: {broken.strerror}"
    if error:
        outcome = Outcome("failed", error)
        cases = tuple(Measured(name=p.name, outcome=outcome) for p in boot.cases)
        return Report(outcome=outcome, cases=cases)
    return Report(outcome=Outcome("ok"), cases=cases)


def _work(job: dict[str, Any], boot: Boot, launch: Launch) -> tuple[list[SliceResult], str]:
    """Slice results in schedule order, and what went wrong ('' if nothing did)."""
    with subprocess.Popen(
        launch.site.command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as worker:
        late = threading.Event()
        deadline = threading.Timer(launch.timeout_s, _end, (worker, late))
        deadline.start()
        try:
            results, error = _serve(worker, job, boot)
        finally:
            deadline.cancel()
            worker.kill()
    if late.is_set():
        error = f"the boot took longer than {launch.timeout_s:g} s, see --timeout"
    return results, error


def _end(worker: subprocess.Popen[str], late: threading.Event) -> None:
    late.set()
    worker.kill()


def job_of(boot: Boot, launch: Launch) -> dict[str, Any]:
    """What a worker is told: the guest, the programs and the schedule, as JSON data."""
    return {
        "delivery": launch.delivery,
        "delivery_module": launch.delivery_module,
        "settings": launch.settings,
        "guest": attrs.asdict(boot.guest),
        "cases": [
            {
                "bursts": [attrs.asdict(burst) for burst in prepared.case.bursts],
                "programs": [to_rows(expected.program) for expected in prepared.bursts],
                "reached": [expected.cpus for expected in prepared.bursts],
                "target_state": prepared.case.target_state,
                "lossy": prepared.lossy,
                "mechanism": prepared.task.mechanism,
                "algorithm": attrs.asdict(prepared.case.algorithm),
            }
            for prepared in boot.cases
        ],
        "schedule": boot.schedule(launch.effort),
        "slice_s": launch.effort.slice_s,
    }


def _serve(
    worker: subprocess.Popen[str], job: dict[str, Any], boot: Boot
) -> tuple[list[SliceResult], str]:
    assert worker.stdin and worker.stdout and worker.stderr  # noqa: S101, PT018 - pipes
    complaints: list[str] = []
    drain = threading.Thread(target=_collect, args=(worker.stderr, complaints))
    drain.start()
    results: list[SliceResult] = []
    try:
        error = _answer(worker, job, boot, results)
    except BaseException:  # a signal included: a worker must not outlive its boot
        worker.kill()
        raise
    finally:
        worker.wait()
        drain.join()
    if not error and (worker.returncode or len(results) < len(job["schedule"])):
        last = complaints[-1].strip() if complaints else "it said nothing"
        error = f"the worker ended with status {worker.returncode}: {last}"
    return results, error


def _answer(
    worker: subprocess.Popen[str], job: dict[str, Any], boot: Boot, results: list[SliceResult]
) -> str:
    """Send the job, answer what is asked, collect the slice results; the worker's own error."""
    assert worker.stdin and worker.stdout  # noqa: S101, PT018 - pipes
    error = ""
    with contextlib.suppress(BrokenPipeError):  # its status tells more
        _tell(worker.stdin, job)
        for report in _reports(worker.stdout):
            if "ask" in report:
                case, burst, cpus = report["ask"]
                program = boot.cases[case].subset(burst, tuple(cpus)).program
                _tell(worker.stdin, {"program": to_rows(program)})
            elif "result" in report:
                results.append(SliceResult.from_json(report["result"]))
            else:
                error = str(report["error"])
        worker.stdin.close()
    return error


def _collect(stream: IO[str], lines: list[str]) -> None:
    lines += stream.readlines()


def _tell(stream: IO[str], value: dict[str, Any]) -> None:
    stream.write(json.dumps(value) + "\n")
    stream.flush()


def _reports(stream: IO[str]) -> Iterator[dict[str, Any]]:
    for line in stream:
        yield json.loads(line)


def _measured(
    boot: Boot, launch: Launch, job: dict[str, Any], results: list[SliceResult]
) -> Iterator[Measured]:
    by_case: dict[int, list[SliceResult]] = {}
    for (case, _, _), result in zip(job["schedule"], results, strict=True):
        by_case.setdefault(case, []).append(result)
    for number, prepared in enumerate(boot.cases):
        name, slices = prepared.name, by_case[number]
        if wrong := [d for result in slices for d in differences(prepared, result)]:
            outcome = Outcome("void", f"proof of mechanism failed: {wrong[0]}")
            yield Measured(name=name, outcome=outcome, result=slices[-1])
            continue
        values: dict[str, list[float]] = {}
        for result in slices:
            if missing := sorted(set(result.ticks) - set(result.distributions)):
                raise ValueError(f"{missing[0]} is without a distribution")
            rate = ticks_per_second(result, launch.clock)
            for series, value in seconds(result, rate).items():
                values.setdefault(series, []).append(value)
        result = attrs.evolve(slices[-1], target_state=_proved(prepared, slices))
        yield Measured(name=name, outcome=Outcome("ok"), values=values, result=result)


def _proved(prepared: Prepared, slices: list[SliceResult]) -> str:
    """What targets were in all slices; if not what they should be, what else in one."""
    wanted = prepared.case.target_state
    states = (result.target_state for result in slices)
    return next((state for state in states if state != wanted), wanted)
