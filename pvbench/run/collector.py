"""
What a result file holds: one pyperf Benchmark for each series of each case, one Run
for each boot.

What tells cases apart and what was counted is metadata, keys ``pvbench_*``.
"""

from __future__ import annotations

from collections.abc import Callable, Container

import attrs
import pyperf

from pvbench.results.files import Metadata
from pvbench.results.parsing import FORMAT, IndexedSuite
from pvbench.run.boot import Measured
from pvbench.run.prepared import Prepared
from pvbench.run.request import PreparedRun
from pvbench.slice_result import Counts, SliceResult


def case_metadata(prepared: Prepared) -> Metadata:
    """What a case is and what its ops must do, for one iteration."""
    bursts = prepared.bursts
    return prepared.case.metadata() | {
        "pvbench_format": FORMAT,
        "pvbench_sources": len(bursts),
        "pvbench_targets": sum(len(e.cpus) + len(e.lost) for e in bursts),
        "pvbench_lost": sum(len(e.lost) for e in bursts),
        "pvbench_overlaid": "yes" if all(e.overlaid for e in bursts) else "no",
    }


def counted(counts: Counts, loops: int) -> Metadata:
    """Counts of one iteration; what a host cannot show is left out."""
    sums = {
        "icr_writes": counts.icr_writes,
        "hypercalls": counts.hypercalls,
        "exits": counts.exits,
        "handlers": sum(counts.handlers),
        "coalesced": None if counts.coalesced is None else sum(counts.coalesced),
        "wakeups_polled": counts.wakeups_polled,
        "wakeups_blocked": counts.wakeups_blocked,
    }
    return {
        f"pvbench_{name}": round(total / loops, 6)
        for name, total in sums.items()
        if total is not None
    }


def assumed(result: SliceResult, series: str) -> Metadata:
    """The part of a modelled time that rests on assumed numbers; nothing if measured."""
    part = result.assumed.get(series)
    return {} if part is None else {"pvbench_assumed": round(part, 3)}


@attrs.define
class Collector:
    """
    Runs by case, series and boot; boots come in any order, cases are kept in the plan's.

    Args:
        metadata: of each case, in the order of the plan.
    """

    facts: Metadata
    metadata: dict[str, Metadata]
    runs: dict[str, dict[str, dict[int, pyperf.Run]]] = attrs.field(factory=dict)

    @classmethod
    def of(cls, prepared: PreparedRun) -> Collector:
        """An empty one for a run."""
        plan, label = prepared.plan, prepared.request.label
        ready = {case.case.name: case for boot in plan.boots for case in boot.cases}
        metadata = {
            case.name: case_metadata(ready[case.name])
            | {"pvbench_sender_plugin": prepared.origins[case.stack.sender.name]}
            for case in plan.cases
            if case.name in ready
        }
        return cls(prepared.facts | ({"pvbench_label": label} if label else {}), metadata)

    def add(self, case: Measured, *, boot: int, warmup_of: Callable[[int], int]) -> None:
        """One case in the boot that is its replicate number *boot*."""
        if case.result is None:
            return
        seen: Metadata = {f"pvbench_{name}": fact for name, fact in case.result.facts.items()}
        common = self.metadata[case.name] | counted(case.result.counts, case.result.loops)
        common |= {"pvbench_target_state_proved": case.result.target_state}
        for series, values in case.values.items():
            spread = attrs.asdict(case.result.distributions[series])
            metadata = seen | self.facts | common
            run = pyperf.Run(
                values,
                metadata=metadata
                | {f"pvbench_{name}_ticks": ticks for name, ticks in spread.items()}
                | assumed(case.result, series)
                | {
                    "name": f"{case.name} {series}",
                    "pvbench_series": series,
                    "pvbench_boot": boot,
                    "pvbench_warmup_loops": warmup_of(case.result.loops),
                    "loops": case.result.loops,
                    "unit": "second",
                },
                collect_metadata=False,
            )
            self.runs.setdefault(case.name, {}).setdefault(series, {})[boot] = run

    def restore(
        self, suite: pyperf.BenchmarkSuite, finished: Container[tuple[str, int]]
    ) -> None:
        """Take over what an earlier process *finished*: cases and their boots."""
        for benchmark in suite:
            for run in benchmark.get_runs():
                metadata = dict(run.get_metadata())
                boot, series = metadata["pvbench_boot"], metadata["pvbench_series"]
                name = metadata["name"].removesuffix(f" {series}")
                if (name, boot) in finished:
                    kept = pyperf.Run(run.values, metadata=metadata, collect_metadata=False)
                    self.runs.setdefault(name, {}).setdefault(series, {})[boot] = kept

    def holds(self, case: str, boot: int) -> bool:
        """Whether *case* has a value of *boot*."""
        return any(boot in runs for runs in self.runs.get(case, {}).values())

    def suite(self) -> pyperf.BenchmarkSuite | None:
        """Everything so far, boots in the plan's order; None if nothing was measured."""
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
