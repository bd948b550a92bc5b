"""
A suite as a pyperf script, under pyperf's own options and schedule.

    python suites/pvbench_suite_norov.py -k 'broadcast ' --fast -o x.json

pyperf runs one benchmark in a process, so cases never share a boot and never take turns.
Deliveries that measure need both, so they run under `pvbench run` only.  A script
computes one series, and each of its processes expands the suite anew.  Its files can be
compared with those of `pvbench run`, case by case.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from functools import partial

import attrs
import pyperf

from pvbench.cli.common import known_series, plugin_options, registry
from pvbench.cli.endings import VERBOSE, end_by
from pvbench.cli.run import selection_of
from pvbench.cli.run_options import selection_options
from pvbench.cli.streams import warnings_as_sentences
from pvbench.errors import PvbenchError, SenderError, Status, UsageError, WorkerError
from pvbench.ops import IrqSave
from pvbench.report.summary import not_run
from pvbench.results.fact import Metadata
from pvbench.results.rows import HEADLINE
from pvbench.results.schema import case_name, stored
from pvbench.run.boot import CaseResult, run_boot
from pvbench.run.collector import assumed, case_metadata, counted
from pvbench.run.effort import effort
from pvbench.run.plan import Boot
from pvbench.run.preparation import prepare, session_of
from pvbench.run.prepared import Prepared
from pvbench.run.request import PreparedRun, Request
from pvbench.slice_result import RATE
from pvbench.suite import Suite
from pvbench.text import printable


def main(suite: Suite) -> None:
    """Run *suite* under pyperf; the last line of a script."""
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_options(own)
    chosen, _ = own.parse_known_args()
    try:
        with warnings_as_sentences():
            _run_suite(suite, own, chosen)
    except PvbenchError as error:
        print(printable(f"{suite.name}: {error}"), file=sys.stderr)
        sys.exit(int(error.status))
    except Exception as error:  # Python would end with 1, which is a regression
        sys.exit(end_by(error, is_verbose=VERBOSE in sys.argv))


def _run_suite(suite: Suite, own: argparse.ArgumentParser, chosen: argparse.Namespace) -> None:
    known_series(chosen.series)
    plugins = registry(chosen)
    if suite.name not in plugins.table("suite"):  # a file of the user's own
        chosen.plugins.append(sys.argv[0])
        plugins = registry(chosen)
    selection = selection_of(chosen, chosen.costs)
    request = Request(suite=suite, selection=selection)
    with session_of(request, plugins) as session:
        prepared = prepare(request, plugins, session)
        _only_computed(prepared)
        _run(prepared, own, chosen.series)


def _add_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to run")
    selection_options(group)
    group.add_argument("--costs", metavar="NAME|FILE.toml", help="cost profile of a model")
    group.add_argument("--series", default=HEADLINE, help=f"time to measure ({HEADLINE})")
    plugin_options(group, "--plugin")


def _only_computed(prepared: PreparedRun) -> None:
    delivery = prepared.delivery
    if not prepared.clock.is_exact:
        raise UsageError(
            f"{delivery} measures, so its boots take turns and each slice is proved",
            fix=f"Use `pvbench run SUITE --delivery {delivery}`: its files are pyperf's.",
        )


def _run(prepared: PreparedRun, own: argparse.ArgumentParser, series: str) -> None:
    planned = effort(prepared.settings[0].description, "default", None)
    runner = pyperf.Runner(
        values=planned.slices,
        processes=planned.boots,
        loops=planned.loops,
        warmups=0,  # each value has its own
        add_cmdline_args=partial(_forward, own),
    )
    _add_options(runner.argparser)
    args = runner.parse_args()
    if not (args.worker or args.quiet):
        _tell_refused(prepared, series)
    cases = [case for case in _cases(prepared) if series in _series_of(case)]
    if not cases:
        blocked = any(o.kind == "blocked" for o in prepared.plan.refused.values())
        print(f"{prepared.request.suite.name}: there is nothing to measure", file=sys.stderr)
        sys.exit(Status.ENVIRONMENT if blocked else Status.NOTHING_MEASURED)
    for number, case in enumerate(cases):
        measured = _Measured(case, prepared, series)
        metadata = (
            prepared.settings[0].metadata | case_metadata(case) | stored({"series": series})
        )
        if args.worker_task in (None, number):
            metadata |= measured.facts(args.loops or planned.loops)
        try:
            runner.bench_time_func(f"{case.name} {series}", measured, metadata=metadata)
        except RuntimeError as error:  # a worker has ended, and has said why
            status = re.fullmatch(r".*failed with exit code (\d+)", str(error), re.DOTALL)
            sys.exit(int(status[1]) if status else Status.ENVIRONMENT)


def _cases(prepared: PreparedRun) -> Iterator[Prepared]:
    """Every case that can run once, in the order of the plan."""
    case_by_name = {case.name: case for boot in prepared.plan.boots for case in boot.cases}
    for name in map(case_name, prepared.plan.cases):
        if name in case_by_name:
            yield case_by_name[name]


def _series_of(case: Prepared) -> set[str]:
    """The series a case has, read from its bursts and ops."""
    bursts = list(zip(case.case.bursts, case.bursts, strict=True))
    ops = [op for expected in case.bursts for op in expected.program]
    locally = any(b.protocol == "csd" and b.targets == (b.source,) for b, _ in bursts)
    sends = {"send": bool(ops), "irqoff": any(type(op) is IrqSave for op in ops)}
    arrives = {
        "wall": True,
        "deliver": locally or any(expected.cpus for _, expected in bursts),
        "ack": any(burst.wait and expected.cpus for burst, expected in bursts),
        "makespan": len(bursts) > 1,
        RATE: len(bursts) > 1 and any(expected.cpus for _, expected in bursts),
    }
    series = sends if case.lossy else sends | arrives
    return {name for name, exists in series.items() if exists}


def _tell_refused(prepared: PreparedRun, series: str) -> None:
    """Print the cases without a benchmark and why; equal reasons are printed once."""
    refused = {
        name: (outcome.kind, outcome.reason) for name, outcome in prepared.plan.refused.items()
    }
    for case in _cases(prepared):
        if series not in _series_of(case):
            why = " as it loses IPIs" if case.lossy else ""
            refused[case.name] = ("unsupported", f"it has no {series}{why}")
    entries = [
        {"case": name, "outcome": kind, "reason": why} for name, (kind, why) in refused.items()
    ]
    for line in not_run(entries):
        print(printable(line), file=sys.stderr)


def _forward(
    own: argparse.ArgumentParser, command: list[str], args: argparse.Namespace
) -> None:
    """Pass our own options on to pyperf's workers, as the user wrote them."""
    _, theirs = own.parse_known_args()
    unparsed = list(theirs)
    for word in sys.argv[1:]:
        if unparsed and word == unparsed[0]:
            unparsed.pop(0)
        else:
            command.append(word)


class _Measured:
    """One case as pyperf calls it; each call is a boot."""

    def __init__(self, ready: Prepared, prepared: PreparedRun, series: str) -> None:
        self._ready, self._prepared, self._series = ready, prepared, series

    def __call__(self, loops: int) -> float:
        """Seconds of *loops* bursts."""
        (value,) = self._result(loops).values[self._series]
        return value * loops

    def facts(self, loops: int) -> Metadata:
        """The counts and the spread of a run of *loops* bursts, as metadata."""
        case = self._result(loops)
        assert case.result  # noqa: S101 - of a case with a value
        proved = stored({"target_state_proved": case.result.target_state})
        counts = counted(case.result.counts, case.result.loops)
        times = stored(case.spread[self._series])
        return proved | counts | times | assumed(case.result, self._series)

    def _result(self, loops: int) -> CaseResult:
        """The result of one boot with one slice, which has the series."""
        boot = Boot(1, self._ready.case.guest, (self._ready,), (0,))
        launch = self._prepared.launch_of(boot)
        warmup = launch.effort.warmup_of(loops)
        once = attrs.evolve(launch.effort, slices=1, loops=loops, warmup=warmup)
        (case,) = run_boot(boot, attrs.evolve(launch, effort=once)).cases
        if case.outcome.kind == "void":
            raise SenderError(self._ready.name, why=case.outcome.reason)
        if case.outcome.kind != "ok":
            raise WorkerError(self._ready.name, why=case.outcome.reason)
        if self._series not in case.values:
            raise UsageError(
                f"{self._ready.name}: {self._prepared.delivery} has no {self._series}",
                fix=f"It has {', '.join(case.values)}.",
            )
        return case
