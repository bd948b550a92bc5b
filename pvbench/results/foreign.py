"""
Texts of other benchmarks as suites of results, for reports.

The text tells neither sender nor guest, so these facts are unknown.  The clock has the name
of the benchmark, so that no comparison ranks its times with those of pvbench.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from pvbench.benchmark_text import SECONDS, BenchmarkText, Measured, TestTime
from pvbench.errors import UsageError
from pvbench.plugin.chosen import load_benchmark_texts
from pvbench.plugin.guard import guarded, owner_of
from pvbench.results import schema
from pvbench.results.suite import IndexedSuite
from pvbench.shapes import LONGEST_TEXT
from pvbench.text import one_line

_UNKNOWN_FACTS: Final = (
    *("sender", "driver", "stack", "guest", "linux", "target_state", "delivery", "site"),
)
_LARGEST: Final = 1 << 22  # characters: a kernel log seldom has more
_MOST_RUNS: Final = 10_000  # of one test
_NO_TIME: Final = "each time in it is 0, which means that it is unknown"


def suite_from(name: str, text: str) -> IndexedSuite | None:
    """
    The suite of the *text* in the file called *name*; None if no benchmark prints such text.

    Raises:
        UsageError: it has lines of several benchmarks, or cannot be read.
        PluginError: the code of a plugin raises.
    """
    if len(text) > _LARGEST:
        return None
    printed = [one for one in load_benchmark_texts().values() if _called(one, one.lines, text)]
    if not printed:
        return None
    if len(printed) > 1:
        titles = " and of ".join(benchmark.title for benchmark in printed)
        raise UsageError(
            f"{name} has lines of {titles}", fix="Cut it into one file for each benchmark."
        )
    (benchmark,) = printed
    try:
        measured = _called(benchmark, benchmark.read, text)
    except UsageError as error:
        raise UsageError(f"{name}: {error.what}", why=error.why, fix=error.fix) from None
    if not measured.times:
        raise UsageError(f"{name} has no time of {benchmark.title}", why=_NO_TIME)
    if max(len(time.values) for time in measured.times) > _MOST_RUNS:
        raise UsageError(
            f"{name} has more than {_MOST_RUNS} runs of one test",
            fix="Give a file with fewer of them.",
        )
    return _suite(benchmark, measured)


def _called(benchmark: BenchmarkText, function: Any, text: str) -> Any:
    with guarded(f"benchmark {benchmark.name}", partial(owner_of, function)):
        return function(text)


def _suite(benchmark: BenchmarkText, measured: Measured) -> IndexedSuite:
    shared = dict.fromkeys(_UNKNOWN_FACTS, schema.UNKNOWN) | {
        "format": 1,
        "suite": benchmark.name,
        "suite_version": 1,
        "benchmark": benchmark.title,
        "clock": f"{benchmark.name} in {measured.unit}",
        "exactness": "noisy",
        "costs": "measured",
    }
    if measured.unit != SECONDS:
        shared["time_unit"] = measured.unit
    if measured.caveats:
        shared["caveat"] = one_line("; ".join(measured.caveats))[:LONGEST_TEXT]
    data = {
        "version": "1.0",
        "metadata": schema.stored(shared),
        "benchmarks": [_benchmark(benchmark.name, time) for time in measured.times],
    }
    return IndexedSuite._json_load(None, data)


def _benchmark(suite: str, time: TestTime) -> Mapping[str, Any]:
    facts = {"workload": time.workload, "series": time.series}
    name = f"{suite}.{time.workload} {time.series}"
    return {
        "metadata": schema.stored(facts) | {"name": name},
        "runs": [{"values": [value]} for value in time.values],
    }
