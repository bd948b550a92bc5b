"""A run: boot by boot onto disk, and how it ended."""

from __future__ import annotations

from collections.abc import Container
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from pvbench.delivery import EXACT_CLOCKS
from pvbench.errors import Status, worst
from pvbench.host import lock as host_lock
from pvbench.host import tags
from pvbench.host.files import remove_temporaries
from pvbench.results import journal, resume
from pvbench.results.files import claim, read, write
from pvbench.results.journal import Journal
from pvbench.run import progress
from pvbench.run.boot import Report, run_boot
from pvbench.run.collector import Collector, case_metadata
from pvbench.run.plan import Boot
from pvbench.run.request import PreparedRun, plan_entry
from pvbench.run.signals import Stop

_STATUS_OF = {
    "ok": Status.OK,
    "unsupported": Status.OK,
    "blocked": Status.ENVIRONMENT,
    "void": Status.PROOF,
    "failed": Status.ENVIRONMENT,
}


@attrs.frozen(kw_only=True)
class Ended:
    """
    A run that is over.

    Args:
        path: the pyperf file.
        measured: it exists.  The journal is beside it in any case.
        signal: what ended it early; 0 if nothing did.
    """

    path: Path
    status: Status
    measured: bool = False
    signal: int = 0


def run(prepared: PreparedRun) -> Ended:
    """
    Run all boots; every finished one is on disk before the next starts.

    Runs with a clock that others could disturb take turns on a machine.

    Raises:
        UsageError, UnavailableError: the result file cannot be made.
    """
    plan, request = prepared.plan, prepared.request
    planned = plan_entry(prepared)
    path = resume.find(request.output, planned) if request.resume else None
    mine = path is None  # made here, or locked
    if request.resume and path is None and request.output is None:
        host_lock.say(resume.why_anew(planned))
    path = path or claim(request.output, request.suite.name, request.label or tags.tox_env())
    timed = plan.boots and prepared.launch.clock not in EXACT_CLOCKS
    try:
        with (
            Journal.opened(journal.beside(path)) as book,
            host_lock.alone(host_lock.say) if timed else nullcontext(),
        ):
            mine = True
            remove_temporaries(path)
            return _boots(prepared, path, book, planned)
    finally:
        for made in (path, journal.beside(path)) if mine else ():
            if made.exists() and not made.stat().st_size:  # nothing was measured, or planned
                made.unlink()


def _boots(prepared: PreparedRun, path: Path, book: Journal, planned: dict[str, Any]) -> Ended:
    before = _begin(prepared, book, planned)
    collector = _collector(prepared)
    if before and path.stat().st_size:
        collector.restore(read(str(path)), _finished(prepared, before))
    before = {
        n: boot for n, boot in before.items() if _kept(prepared.boots[n], boot, collector)
    }
    outcomes = [outcome.kind for outcome in prepared.plan.refused.values()]
    outcomes += [case["outcome"] for boot in before.values() for case in boot["cases"].values()]
    statuses = [_STATUS_OF[kind] for kind in outcomes]
    stop = Stop()
    shown = progress.make(len(prepared.boots), quiet=prepared.request.quiet)
    with stop.on_signals(), shown:
        for number, boot in prepared.boots.items():
            if number in before:
                continue
            shown.boot(number, _named(boot))
            report = stop.unless_signalled(partial(run_boot, boot, prepared.launch))
            if report is None:
                break
            statuses += [_STATUS_OF[case.outcome.kind] for case in report.cases]
            _keep(boot, report, prepared, collector, path)
            book.write(boot=number, guest=boot.guest.name, **_boot_entry(report))
    if not collector.runs:
        statuses.append(Status.NOTHING_MEASURED)
    status = worst(statuses)
    end = {"end": 128 + stop.signal if stop.signal else int(status), "signal": stop.signal}
    if journal.read(book.path)[-1:] != [end]:  # it was over before
        book.write(**end)
    return Ended(path=path, measured=bool(collector.runs), status=status, signal=stop.signal)


def _begin(
    prepared: PreparedRun, book: Journal, planned: dict[str, Any]
) -> dict[int, dict[str, Any]]:
    """Write what the journal lacks of the plan; the boots an earlier process finished."""
    entries = journal.read(book.path)
    if not entries:
        book.write(plan=planned)
    told = {entry["case"] for entry in entries if "case" in entry}
    for name, outcome in prepared.plan.refused.items():
        if name not in told:
            book.write(case=name, outcome=outcome.kind, reason=outcome.reason)
    return journal.boots_done(entries)


def _named(boot: Boot) -> str:
    """Its guest, and the hypervisor it takes itself to be on unless that is KVM."""
    abi = boot.guest.hypercall_abi
    return boot.guest.name if abi == "kvm" else f"{boot.guest.name} {abi}"


def _finished(prepared: PreparedRun, before: Container[int]) -> set[tuple[str, int]]:
    """Cases and their replicates in these boots."""
    boots = [boot for number, boot in prepared.boots.items() if number in before]
    return {(ready.case.name, boot.replicate) for boot in boots for ready in boot.cases}


def _kept(boot: Boot, ended: dict[str, Any], collector: Collector) -> bool:
    """The values of a boot that ended well are in the result file."""
    return all(
        collector.holds(name, boot.replicate)
        for name, case in ended["cases"].items()
        if case["outcome"] == "ok"
    )


def _collector(prepared: PreparedRun) -> Collector:
    plan, label = prepared.plan, prepared.request.label
    ready = {case.case.name: case for boot in plan.boots for case in boot.cases}
    metadata = {
        case.name: case_metadata(ready[case.name])
        | {"pvbench_sender_plugin": prepared.origins[case.stack.sender.name]}
        for case in plan.cases
        if case.name in ready
    }
    return Collector(prepared.facts | ({"pvbench_label": label} if label else {}), metadata)


def _keep(
    boot: Boot, report: Report, prepared: PreparedRun, collector: Collector, path: Path
) -> None:
    wanted = prepared.plan.effort
    for case in report.cases:
        collector.add(case, boot=boot.replicate, warmup_of=wanted.warmup_of)
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
