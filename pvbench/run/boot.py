"""The manager's side of one boot: start a worker, serve it, prove what it reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import count
from typing import Final

import attrs

from pvbench.delivery import Clock
from pvbench.errors import ProtocolError, PvbenchError, WorkerError
from pvbench.protocol import ErrorReport, Job, SliceReport, Turn
from pvbench.results import schema, storable
from pvbench.results.fact import Value
from pvbench.run import spread
from pvbench.run.combined import combined
from pvbench.run.effort import Effort
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot
from pvbench.run.prepared import Prepared
from pvbench.run.proof import differences, seconds, ticks_per_second
from pvbench.run.rate import with_rate
from pvbench.shapes import printable
from pvbench.site import Host, Session
from pvbench.slice_result import Distribution, SliceResult

# A worker ends itself this much later than its manager would: its clock may run fast.
_SPARE: Final = 2
_SPARE_S: Final = 60.0
# The start of each near-exact boot is later by this than that of the boot before it.
_SHIFT_US: Final = 137
_NO_TIME: Final = "its slices have no time, which the delivery should measure"
# Exceptions that a malformed slice result can raise.
_UNREADABLE: Final = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    PvbenchError,
)


@attrs.frozen(kw_only=True)
class CaseResult:
    """
    The outcome of a case in one boot.

    Args:
        values: by series, the median of each slice in seconds.
        spread: by series, facts about all bursts of the boot.
    """

    name: str
    outcome: Outcome
    values: dict[str, list[float]] = attrs.field(factory=dict)
    spread: dict[str, dict[str, Value]] = attrs.field(factory=dict)
    result: SliceResult | None = None  # of the last slice


@attrs.frozen(kw_only=True)
class BootResult:
    """The outcome of one boot, and the results of its cases."""

    outcome: Outcome
    cases: tuple[CaseResult, ...]


@attrs.frozen(kw_only=True)
class Launch:
    """
    The settings that all boots of a run share.

    Args:
        hosts: the machines that they may use; `run_boot` uses the first of them.
        timeout_s: a boot that takes longer has failed.  The manager's clock counts,
            because a worker's clock may run fast.
    """

    session: Session
    delivery: str
    delivery_module: str
    clock: Clock
    worker_data: bytes
    effort: Effort
    timeout_s: float = 600
    hosts: tuple[Host, ...] = attrs.field(
        default=attrs.Factory(lambda self: self.session.hosts, takes_self=True)
    )


def run_boot(boot: Boot, launch: Launch) -> BootResult:
    """Run one boot in a worker; a failure there becomes the outcome."""
    job = job_of(boot, launch)
    try:
        return BootResult(outcome=Outcome("ok"), cases=tuple(_case_results(boot, launch, job)))
    except WorkerError as error:
        outcome = Outcome("failed", str(error))
    except _UNREADABLE as error:
        reason = printable(str(error) or type(error).__name__)
        outcome = Outcome("failed", f"the worker's report cannot be read: {reason}")
    cases = tuple(CaseResult(name=p.name, outcome=outcome) for p in boot.cases)
    return BootResult(outcome=outcome, cases=cases)


def worker_deadline_s(timeout_s: float) -> float:
    """The time after which a worker ends itself whose manager waits *timeout_s*."""
    return _SPARE * timeout_s + _SPARE_S


def job_of(boot: Boot, launch: Launch) -> Job:
    """The job of a worker: the guest, the tasks and the schedule."""
    return Job(
        delivery=launch.delivery,
        delivery_module=launch.delivery_module,
        worker_data=launch.worker_data,
        guest=boot.guest,
        tasks=tuple(part.task for parts in boot.parts for part in parts),
        schedule=boot.schedule(launch.effort),
        slice_s=launch.effort.slice_s,
        deadline_s=worker_deadline_s(launch.timeout_s),
        start_delay_us=_start_delay_us(boot, launch.clock),
        shares_worker=launch.clock.is_exact,  # which cannot drift
    )


def _start_delay_us(boot: Boot, clock: Clock) -> int:
    """
    The delay that tells the boots of a guest apart.

    A near-exact clock repeats every tick of a boot that starts at the same time, so equal
    boots would show nothing about its accuracy.
    """
    return boot.number_in_guest * _SHIFT_US if clock.exactness == "near-exact" else 0


def _results(job: Job, launch: Launch) -> Iterator[tuple[Turn, SliceResult]]:
    """
    Each slice of the schedule and its result.

    Raises:
        WorkerError: the worker fails.
        ProtocolError: its reports cannot be read.
    """
    session = launch.session
    with closing(session.boot(launch.hosts[0], job)) as reports:
        for report in reports:
            if isinstance(report, ErrorReport):
                raise WorkerError(report.error)
            if not isinstance(report, SliceReport):
                raise ProtocolError("it does not report a slice")
            turn = job.schedule[report.number]
            if report.result.loops > turn.loops:
                raise ProtocolError(f"a slice has {report.result.loops} loops")
            yield turn, report.result


def _case_results(boot: Boot, launch: Launch, job: Job) -> Iterator[CaseResult]:
    by_task: dict[int, list[SliceResult]] = {}
    for turn, result in _results(job, launch):
        by_task.setdefault(turn.task, []).append(result)
    tasks = count()
    for prepared, parts in zip(boot.cases, boot.parts, strict=True):
        of_parts = [by_task[next(tasks)] for _ in parts]
        whys = map(_why_void, parts, of_parts)
        if outcome := next(filter(None, whys), None):
            yield CaseResult(name=prepared.name, outcome=outcome, result=of_parts[-1][-1])
        else:
            yield _measured(prepared, _slices(prepared, of_parts), launch.clock)


def _slices(prepared: Prepared, of_parts: list[list[SliceResult]]) -> list[SliceResult]:
    """The slices of a case; those of a recording are sums of those of its sends."""
    repeats = prepared.case.repeats
    if not repeats:
        return of_parts[0]
    return [
        combined(repeats, results, prepared.case.sample)
        for results in zip(*of_parts, strict=True)
    ]


def _why_void(prepared: Prepared, slices: list[SliceResult]) -> Outcome | None:
    """The reason why the times of a case do not count; None if all slices are proved."""
    proved = [result for result in slices if not result.host_faults]
    if errors := [error for result in proved for error in differences(prepared, result)]:
        return Outcome("void", f"proof of mechanism failed: {errors[0]}")
    if host_faults := [fault for result in slices for fault in result.host_faults]:
        return Outcome("void", host_faults[0], of_host=True)
    return None


def _measured(prepared: Prepared, slices: list[SliceResult], clock: Clock) -> CaseResult:
    """The result of a case whose slices are all proved."""
    slices = [with_rate(prepared, result) for result in slices]
    rates = {ticks_per_second(result, clock) for result in slices}
    if len(rates) > 1:
        raise ValueError("its slices have clocks of different rates")
    (rate,) = rates
    values: dict[str, list[float]] = {}
    distributions: dict[str, list[Distribution]] = {}
    for result in slices:
        for series, value in seconds(result, rate).items():
            values.setdefault(series, []).append(value)
            distributions.setdefault(series, []).append(result.distributions[series])
    result = attrs.evolve(slices[-1], target_state=_proved(prepared, slices))
    if why := _NO_TIME if not values else next(_defects(values, result), ""):
        return CaseResult(name=prepared.name, outcome=Outcome("failed", why))
    return CaseResult(
        name=prepared.name,
        outcome=Outcome("ok"),
        values=values,
        spread={series: spread.facts(times, rate) for series, times in distributions.items()},
        result=result,
    )


def _defects(values: dict[str, list[float]], result: SliceResult) -> Iterator[str]:
    """Why a result file cannot hold what the worker reports, in sentences."""
    facts = result.facts | {"target_state_proved": result.target_state}
    yield from storable.fact_defects(schema.stored(facts), storable.kinds())
    for seconds_of_series in values.values():
        yield from storable.time_defects(seconds_of_series)


def _proved(prepared: Prepared, slices: list[SliceResult]) -> str:
    """The proved state of the targets; one that a slice proved otherwise comes first."""
    required = prepared.case.target_state
    states = (result.target_state for result in slices)
    return next((state for state in states if state != required), required)
