"""A run: plan it, boot by boot onto disk, and say how it ended."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

import attrs

from pvbench import journal, progress
from pvbench.boot import Launch, Report, run_boot
from pvbench.delivery import Delivery
from pvbench.errors import Status, UnavailableError, UsageError, worst
from pvbench.expand import Selection, expand
from pvbench.journal import Journal
from pvbench.plan import Outcome, Plan, effort, make_plan
from pvbench.registry import Registry
from pvbench.results import Collector, Metadata, case_metadata, claim, write
from pvbench.suite import Suite

_STATUS_OF = {
    "ok": Status.OK,
    "unsupported": Status.OK,
    "blocked": Status.ENVIRONMENT,
    "void": Status.PROOF,
    "failed": Status.ENVIRONMENT,
}


@attrs.frozen(kw_only=True)
class Request:
    """What a user wants run."""

    suite: Suite
    selection: Selection
    pace: str = "default"
    boots: int | None = None
    seed: int = 0
    output: str | None = None
    label: str | None = None
    quiet: bool = False


@attrs.frozen(kw_only=True)
class Prepared:
    """A request that can be run."""

    request: Request
    plan: Plan
    launch: Launch
    facts: Metadata


@attrs.frozen(kw_only=True)
class Ended:
    """
    A run that is over.

    Args:
        path: the pyperf file; None if there was nothing to do.
        measured: it exists.  The journal is beside it in any case.
        signal: what ended it early; 0 if nothing did.
    """

    path: Path | None
    status: Status
    measured: bool = False
    signal: int = 0


def prepare(request: Request, registry: Registry) -> Prepared:
    """
    Expand and check everything a run needs, without touching the disk.

    Raises:
        UsageError: the request names something nobody offers.
        UnavailableError: this machine cannot serve it.
    """
    selection = request.selection
    delivery: Delivery = registry.get("delivery", selection.delivery)
    site = registry.get("site", selection.site)
    for thing in (delivery, site):
        if reason := thing.unavailable():
            raise UnavailableError(f"{thing.name} cannot be used here", why=reason)
    if request.boots is not None and not 1 <= request.boots <= 10_000:
        raise UsageError(f"--boots {request.boots} is not in 1..10000")
    settings = delivery.settings(selection.profile)
    selection = attrs.evolve(selection, profile=settings.get("profile"))
    wanted = effort(delivery.clock, request.pace, request.boots)
    cases, blocked = expand(request.suite, selection, registry)
    plan = make_plan(cases, delivery, settings, wanted, request.seed)
    missing = {name: Outcome("blocked", reason) for name, reason in blocked.items()}
    launch = Launch(
        site=site,
        delivery=delivery.name,
        delivery_module=registry.module_of[f"delivery {delivery.name}"],
        clock=delivery.clock,
        settings=settings,
        effort=wanted,
    )
    return Prepared(
        request=request,
        plan=attrs.evolve(plan, refused=missing | plan.refused),
        launch=launch,
        facts=_facts(registry, delivery, settings),
    )


def _facts(registry: Registry, delivery: Delivery, settings: dict[str, Any]) -> Metadata:
    """What the results of every case share; nothing of the host for an exact clock."""
    return {
        "pvbench_version": version("pvbench"),
        "pvbench_clock": delivery.clock,
        "pvbench_delivery_plugin": registry.origin("delivery", delivery.name),
        "pvbench_profile_sha256": settings.get("profile_sha256", "-"),
    }


def run(prepared: Prepared, registry: Registry) -> Ended:
    """
    Run all boots; every finished one is on disk before the next starts.

    Raises:
        UsageError, UnavailableError: the result file cannot be made.
    """
    plan, request = prepared.plan, prepared.request
    if not plan.boots and not plan.refused:
        return Ended(path=None, status=Status.NOTHING_MEASURED)
    path = claim(request.output, request.suite.name, request.label)
    try:
        return _boots(prepared, registry, path)
    finally:
        if path.exists() and not path.stat().st_size:  # nothing was measured
            path.unlink()


def _boots(prepared: Prepared, registry: Registry, path: Path) -> Ended:
    plan = prepared.plan
    book = Journal(journal.beside(path))
    book.write(plan=_plan_entry(prepared))
    for name, outcome in plan.refused.items():
        book.write(case=name, outcome=outcome.kind, reason=outcome.reason)
    collector = _collector(prepared, registry)
    statuses = [_STATUS_OF[outcome.kind] for outcome in plan.refused.values()]
    stop = _Stop()
    shown = progress.make(len(plan.boots), quiet=prepared.request.quiet)
    with stop.on_signals(), shown:
        for number, boot in enumerate(plan.boots, 1):
            shown.boot(number, f"{boot.guest.name} {boot.guest.hypercall_abi}")
            report = stop.unless_signalled(partial(run_boot, boot, prepared.launch))
            if report is None:
                break
            statuses += [_STATUS_OF[case.outcome.kind] for case in report.cases]
            _keep(report, prepared, collector, path)
            book.write(boot=number, guest=boot.guest.name, **_boot_entry(report))
    if not collector.runs:
        statuses.append(Status.NOTHING_MEASURED)
    status = worst(statuses)
    book.write(end=128 + stop.signal if stop.signal else int(status), signal=stop.signal)
    return Ended(path=path, measured=bool(collector.runs), status=status, signal=stop.signal)


def _plan_entry(prepared: Prepared) -> dict[str, Any]:
    plan, request = prepared.plan, prepared.request
    return {
        "format": journal.FORMAT,
        "suite": request.suite.name,
        "suite_version": request.suite.version,
        "label": request.label,
        "seed": plan.seed,
        "boots": len(plan.boots),
        "effort": attrs.asdict(plan.effort),
        "cases": [case.name for case in plan.cases],
        "facts": prepared.facts,
    }


def _collector(prepared: Prepared, registry: Registry) -> Collector:
    plan, label = prepared.plan, prepared.request.label
    ready = {case.case.name: case for boot in plan.boots for case in boot.cases}
    metadata = {
        case.name: case_metadata(ready[case.name])
        | {"pvbench_sender_plugin": registry.origin("sender", case.stack.sender.name)}
        for case in plan.cases
        if case.name in ready
    }
    return Collector(prepared.facts | ({"pvbench_label": label} if label else {}), metadata)


def _keep(report: Report, prepared: Prepared, collector: Collector, path: Path) -> None:
    wanted = prepared.plan.effort
    for case in report.cases:
        collector.add(case, wanted.loops, wanted.warmup)
    if suite := collector.suite():
        write(suite, path)


def _boot_entry(report: Report) -> dict[str, Any]:
    return {
        "outcome": report.outcome.kind,
        "reason": report.outcome.reason,
        "cases": {
            case.name: {"outcome": case.outcome.kind, "reason": case.outcome.reason}
            for case in report.cases
        },
    }


class _SignalledError(Exception):
    """A signal came while a worker was running."""


@attrs.define
class _Stop:
    """SIGINT or SIGTERM: the boot in flight is lost, everything before is kept."""

    signal: int = 0
    _in_boot: bool = False

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self._caught)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def unless_signalled(self, boot: Callable[[], Report]) -> Report | None:
        """The report of a boot; None if a signal came before it was over."""
        try:
            self._in_boot = True
            if self.signal:
                return None
            return boot()
        except _SignalledError:
            return None
        finally:
            self._in_boot = False

    def _caught(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        if self._in_boot:  # elsewhere a file may be half-written: finish that first
            raise _SignalledError
