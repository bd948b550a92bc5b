"""Benchmarks of result files as rows of facts, the input of every report."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any, Final

import attrs
import pyperf

from pvbench.errors import UsageError
from pvbench.keywords import Keywords
from pvbench.results import schema
from pvbench.results.statistic import MEDIAN, of_boot, stored
from pvbench.slice_result import RATE

HEADLINE: Final = "wall"  # the series a suite's table shows
_EXACTNESS_OF: Final = {"model": "exact"}  # clocks of files that do not say it


@attrs.frozen(kw_only=True)
class Row:
    """
    One series of one case.

    Args:
        facts: metadata without its ``pvbench_`` prefix; a number that differs between
            boots is the median.
        boots_s: the value of *statistic* in each boot, seconds.
        statistic: of the bursts of a boot, as `pvbench.results.statistic` names it.
        boots: their numbers, if the file has them.
        proved: the proved state of the targets in each boot.
        sessions: the session of `pvbench ab` that each boot belongs to; empty without one.
        file: the name of the result file.
        count: the count of a series of counts; None for times and if it is unknown.
    """

    name: str
    facts: dict[str, Any]
    boots_s: tuple[float, ...]
    statistic: str = MEDIAN
    boots: tuple[int, ...] = ()
    proved: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    file: str = ""
    count: float | None = None

    @property
    def value_s(self) -> float:
        """The median over the boots, seconds."""
        return median(self.boots_s)

    @property
    def case(self) -> str:
        """The name of its case."""
        return _case(self.name, self.fact("series"))

    @property
    def kind(self) -> str:
        """Its times are ``modelled``, ``emulated``, ``published`` or ``measured`` (by whom)."""
        if self.benchmark:
            return f"measured by {self.benchmark}"
        if self.is_exact:
            return "modelled"
        if self.is_near_exact or not self.has_times:
            return "emulated"
        return "published" if self.fact("site") == "published" else "measured"

    @property
    def benchmark(self) -> str:
        """The other benchmark that measured it; empty if pvbench did."""
        return str(self.fact("benchmark") or "")

    @property
    def time_unit(self) -> str:
        """The unit of its times: seconds, but for a text that does not tell them."""
        return str(self.fact("time_unit") or "s")

    @property
    def is_single_value(self) -> bool:
        """Whether pvbench knows one value only, and nothing about its noise."""
        is_foreign = self.kind == "published" or bool(self.benchmark)
        return is_foreign and len(self.boots_s) == 1

    @property
    def iteration(self) -> str:
        """What its times are of: a burst, a run of a program, or a recording."""
        if self.fact("recording"):
            return "recording"
        return "run" if self.fact("program") else "burst"

    @property
    def is_rate(self) -> bool:
        """Whether it is a rate, of which the value is the time for each IPI."""
        return bool(self.fact("series") == RATE)

    @property
    def is_exact(self) -> bool:
        """Whether its clock gives the same time in every boot."""
        return bool(self._exactness == "exact")

    @property
    def is_near_exact(self) -> bool:
        """Whether its times are path lengths, which an emulator counts."""
        return bool(self._exactness == "near-exact")

    @property
    def has_times(self) -> bool:
        """Whether its times say anything; its counts always do."""
        return bool(self._exactness != "none")

    @property
    def is_noisy(self) -> bool:
        """Whether other work on the machine changes its times."""
        return bool(self._exactness == "noisy")

    @property
    def _exactness(self) -> Any:
        """How exact its clock is; a file may be older than this fact."""
        return self.fact("exactness") or _EXACTNESS_OF.get(self.fact("clock"), "noisy")

    @property
    def pairs(self) -> frozenset[tuple[int, str]]:
        """The boots that belong to pairs of `pvbench ab`: number and session."""
        if len(self.boots) != len(self.sessions):  # boots without numbers have no pairs
            return frozenset()
        numbered = zip(self.boots, self.sessions, strict=True)
        return frozenset((boot, session) for boot, session in numbered if session)

    def fact(self, name: str) -> Any:
        """One fact; None if the file lacks it."""
        return self.facts.get(name)

    def key(self, without: tuple[str, ...] = ()) -> tuple[Any, ...]:
        """The values of all axes but those in *without*."""
        return tuple(self.facts.get(axis) for axis in schema.axes() if axis not in without)


def rows(
    suite: Iterable[pyperf.Benchmark], file: str = "", statistic: str = MEDIAN
) -> list[Row]:
    """
    Every benchmark of a result file, in its order.

    A boot that was stored without *statistic* has no value.

    Raises:
        UsageError: a series has no value at all.
    """
    return [_row(benchmark, file, statistic) for benchmark in suite]


def _row(benchmark: pyperf.Benchmark, file: str, statistic: str) -> Row:
    name, metadata = benchmark.get_name(), benchmark.get_metadata()
    shared = schema.from_metadata(metadata)
    runs = [
        (run.values, schema.from_metadata(schema.own(run.get_metadata(), metadata)))
        for run in benchmark.get_runs()
        if run.values
    ]
    values = [
        (value, facts)
        for slices, facts in runs
        if (value := of_boot(slices, shared | facts, statistic, name)) is not None
    ]
    if not values:
        raise UsageError(f"{name} has no {statistic}", why="it was stored without it")
    medians = _medians([facts for _, facts in values])
    boots = [shared | facts for _, facts in values]
    return Row(
        name=name,
        facts=medians | shared,
        boots_s=tuple(value for value, _ in values),
        statistic=stored(boots[0]) if statistic == MEDIAN else statistic,
        boots=tuple(facts["boot"] for facts in boots if facts.get("boot") is not None),
        proved=tuple(facts.get("target_state_proved", "") for facts in boots),
        sessions=tuple(facts.get("ab_session", "") for facts in boots),
        file=file,
    )


def _medians(boots: list[dict[str, Any]]) -> dict[str, float]:
    """The median over the boots of each number that all of them have."""
    common = set.intersection(*map(set, boots)) if boots else set()
    values = {name: [facts[name] for facts in boots] for name in sorted(common)}
    return {
        name: median(numbers)
        for name, numbers in values.items()
        if all(type(number) in (int, float) for number in numbers)
    }


def selected(suite: Iterable[pyperf.Benchmark], keywords: Keywords) -> list[pyperf.Benchmark]:
    """The benchmarks whose cases match an expression."""
    return [
        benchmark
        for benchmark in suite
        if keywords.matches(_case(benchmark.get_name(), series_of(benchmark)))
    ]


def series_of(benchmark: pyperf.Benchmark) -> Any:
    """The series of a benchmark, without making a row of it."""
    return benchmark.get_metadata().get(f"{schema.PREFIX}series")


def _case(name: str, series: Any) -> str:
    return name.removesuffix(f" {series}")


def ordered(rows: list[Row], axis: str) -> list[Any]:
    """The values of *axis*, each once, in the order of the file."""
    return list(dict.fromkeys(row.fact(axis) for row in rows))
