"""
Golden results of the suites on the model: recompute them, or write them anew.

    python tests/golden.py        after a change that is meant to change them
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyperf

from pvbench.plugin.loader import load
from pvbench.results import schema
from pvbench.results.files import read
from pvbench.run.cases import Selection
from pvbench.run.loop import run
from pvbench.run.request import Request
from support.sessions import prepared_run

FOLDER: Final = Path(__file__).parents[1] / "results" / "model"
SOFTWARE: Final = schema.stored(dict.fromkeys(schema.software(), ""))
_CLUSTER: Final = ("x2apic-cluster",)


class Question(NamedTuple):
    """A suite, and what is chosen of it; few senders, so that the file stays small."""

    suite: str
    selection: Selection


QUESTIONS: Final = {
    "norov-dense-80": Question("norov", Selection()),
    "norov-dense-80-shorthands": Question("norov", Selection(linux=("6.12",))),
    "norov-dense-160": Question("norov", Selection(guests=("dense:160",))),
    "norov-interleaved-130": Question("norov", Selection(guests=("interleaved:130",))),
    "norov-sockets-2x5x2-running": Question(
        "norov", Selection(guests=("sockets:2x5x2",), target_states=("running",))
    ),
    "smoke-kvm-pv": Question("smoke", Selection(senders=("native", "kvm-pv"))),
    "fanout-x2apic-cluster": Question(
        "fanout", Selection(drivers=_CLUSTER, senders=("native", "kvm-pv", "xen-evtchn"))
    ),
    "pairs-x2apic-cluster": Question(
        "pairs", Selection(drivers=_CLUSTER, senders=("native", "hyperv-ipi", "xen-evtchn"))
    ),
    "shootdown-x2apic-cluster": Question(
        "shootdown", Selection(drivers=_CLUSTER, senders=("native", "kvm-pv", "xen-evtchn"))
    ),
    "ids-x2apic-cluster": Question(
        "ids", Selection(drivers=_CLUSTER, senders=("native", "kvm-pv", "kvm-pv128-v3"))
    ),
    "proposals-interleaved-32": Question(
        "proposals", Selection(drivers=_CLUSTER, guests=("interleaved:32",))
    ),
    "workloads-60-x2apic-physical": Question(
        "workloads",
        Selection(
            drivers=("x2apic-physical",),
            senders=("native", "kvm-pv", "hyperv-ipi"),
            guests=("ids:0-11,16-27,32-43,48-59,64-75",),
        ),
    ),
    "scale-x2apic-cluster": Question(
        "scale", Selection(drivers=_CLUSTER, senders=("native", "kvm-pv", "kvm-pv128-v3"))
    ),
}


def compute(name: str) -> pyperf.BenchmarkSuite:
    """The results of one question, without what made them."""
    return answer(QUESTIONS[name])


def answer(question: Question, seed: int = 0) -> pyperf.BenchmarkSuite:
    """The results of a run whose boots come in the order of *seed*."""
    registry = load()
    with tempfile.TemporaryDirectory() as folder:
        request = Request(
            suite=registry.suite(question.suite),
            selection=question.selection,
            pace="fast",
            seed=seed,
            output=str(Path(folder) / "run.json"),
            quiet=True,
        )
        return stripped(read(str(run(prepared_run(request, registry)).path)))


def stripped(suite: pyperf.BenchmarkSuite) -> pyperf.BenchmarkSuite:
    """*suite* without its fingerprint."""
    return pyperf.BenchmarkSuite(
        [
            pyperf.Benchmark(
                [
                    pyperf.Run(
                        list(run.values),
                        metadata=_kept(run.get_metadata()),
                        collect_metadata=False,
                    )
                    for run in benchmark.get_runs()
                ]
            )
            for benchmark in suite
        ]
    )


def content(suite: pyperf.BenchmarkSuite) -> dict[str, Any]:
    """Values and metadata by benchmark, without what made the file."""
    return {
        benchmark.get_name(): {
            "values": [list(run.values) for run in benchmark.get_runs()],
            "metadata": _kept(benchmark.get_metadata()),
        }
        for benchmark in suite
    }


def _kept(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key not in SOFTWARE}


def main() -> None:
    """Write all golden files."""
    for name in QUESTIONS:
        compute(name).dump(str(FOLDER / f"{name}.json"), replace=True)


if __name__ == "__main__":
    main()
