"""
Collect the results of a run as a pyperf suite: one Benchmark for each series of each
case, one Run for each boot.

The axes of a case and its counts are metadata with keys ``pvbench_*``.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import UTC, datetime

import attrs
import pyperf

from pvbench.results import schema
from pvbench.results.fact import Metadata
from pvbench.results.parsing import FORMAT
from pvbench.results.statistic import MEDIAN
from pvbench.results.suite import IndexedSuite
from pvbench.run.boot import CaseResult
from pvbench.run.prepared import Prepared
from pvbench.run.request import PreparedRun
from pvbench.slice_result import Counts, SliceResult


def case_metadata(prepared: Prepared) -> Metadata:
    """The facts of a case, and the counts that its ops must give for one iteration."""
    facts = schema.case_facts(prepared.case) | schema.burst_facts(prepared.bursts)
    if prepared.case.repeats and any(sent.overlaid for sent in prepared.bursts):
        facts["overlaid"] = "yes"  # for some of the sends
    return schema.stored(facts | {"format": FORMAT, "statistic": MEDIAN})


def counted(counts: Counts, loops: int) -> Metadata:
    """Counts for one iteration, without those that the host cannot show."""
    return schema.stored(schema.count_facts(counts, loops))


def assumed(result: SliceResult, series: str) -> Metadata:
    """The part of a modelled time that rests on assumed costs; nothing for a measured one."""
    part = result.assumed.get(series)
    return {} if part is None else schema.stored({"assumed": round(part, 3)})


@attrs.define
class Collector:
    """
    Runs by case, series and boot; boots come in any order, cases keep the plan's order.

    Args:
        metadata: that the results of each case share, in the order of the plan.
    """

    metadata: dict[str, Metadata]
    runs: dict[str, dict[str, dict[int, pyperf.Run]]] = attrs.field(factory=dict)

    @classmethod
    def of(cls, prepared: PreparedRun) -> Collector:
        """An empty collector for *prepared*."""
        plan, label = prepared.plan, prepared.request.label
        tagged = schema.stored({"label": label} if label else {})
        by_name = {
            case.name: (case, boot.setting) for boot in plan.boots for case in boot.cases
        }
        metadata = {}
        for planned in plan.cases:
            if (name := schema.case_name(planned)) in by_name:
                case, setting = by_name[name]
                sender = prepared.origins[planned.stack.sender.name]
                of_setting = prepared.settings[setting].metadata | tagged
                of_case = case_metadata(case) | schema.stored({"sender_plugin": sender})
                metadata[name] = of_setting | of_case
        return cls(metadata)

    def add(
        self,
        case: CaseResult,
        *,
        boot: int,
        turn: int,
        warmup_of: Callable[[int], int],
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """
        Add the result of one case in its boot number *boot*, where it had place *turn*.

        *facts* are more facts of the boot.
        """
        if case.result is None:
            return
        result = case.result
        common = schema.stored(result.facts) | self.metadata[case.name]
        common |= counted(result.counts, result.loops) | self._when(case.name, turn)
        common |= schema.stored(facts or {})
        for series, values in case.values.items():
            details = {
                "target_state_proved": result.target_state,
                "series": series,
                "boot": boot,
            } | case.spread[series]
            if "pvbench_recording" not in common:  # each of its sends has its own warm-up
                details["warmup_loops"] = warmup_of(result.loops)
            pyperf_facts = {
                "name": f"{case.name} {series}",
                "loops": result.loops,
                "unit": "second",
            }
            metadata = common | schema.stored(details) | assumed(result, series) | pyperf_facts
            run = pyperf.Run(values, metadata=metadata, collect_metadata=False)
            self.runs.setdefault(case.name, {}).setdefault(series, {})[boot] = run

    def _when(self, case: str, turn: int) -> Metadata:
        """The date, as pyperf stores it, and the turn; results of an exact clock have none."""
        if self.metadata[case]["pvbench_exactness"] == "exact":
            return {}
        date = datetime.now(UTC).isoformat(" ", "seconds")
        return schema.stored({"turn": turn}) | {"date": date}

    def restore(
        self, suite: pyperf.BenchmarkSuite, finished: Container[tuple[str, int]]
    ) -> None:
        """Take over the values of *finished* pairs of case and boot from an earlier process."""
        for benchmark in suite:
            for run in benchmark.get_runs():
                metadata = dict(run.get_metadata())
                boot, series = metadata.get("pvbench_boot"), metadata["pvbench_series"]
                name = metadata["name"].removesuffix(f" {series}")
                if boot is not None and (name, boot) in finished:
                    copy = pyperf.Run(run.values, metadata=metadata, collect_metadata=False)
                    self.runs.setdefault(name, {}).setdefault(series, {})[boot] = copy

    def holds(self, case: str, boot: int) -> bool:
        """Whether *case* has a value of *boot*."""
        return any(boot in runs for runs in self.runs.get(case, {}).values())

    def session_of(self, cases: Iterable[str], boot: int) -> str | None:
        """The session of `pvbench ab` that *cases* have a value of *boot* from."""
        of_series = (runs for case in cases for runs in self.runs.get(case, {}).values())
        runs = (runs[boot] for runs in of_series if boot in runs)
        return next((run.get_metadata().get("pvbench_ab_session") for run in runs), None)

    def suite(self) -> pyperf.BenchmarkSuite | None:
        """All results so far, boots in the plan's order; None if there are none."""
        if not self.runs:
            return None
        in_order = (self.runs.get(name, {}) for name in self.metadata)
        return IndexedSuite(
            [
                pyperf.Benchmark([runs[boot] for boot in sorted(runs)])
                for case in in_order
                for runs in case.values()
            ]
        )
