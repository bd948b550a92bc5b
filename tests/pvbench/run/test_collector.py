"""The content of a result file: benchmarks by series, runs by boot, counts as metadata."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from pvbench.results.fact import Metadata
from pvbench.run.boot import CaseResult
from pvbench.run.collector import Collector, case_metadata, counted
from pvbench.run.outcome import Outcome
from support.runs import bursts_of, prepared_of, slice_result_of

OK = Outcome("ok")
SECOND = timedelta(seconds=1)  # a date is cut to whole seconds


def collector(exactness: str = "exact") -> Collector:
    """For two cases, in the order A, B."""
    clock: Metadata = {"pvbench_clock": "model", "pvbench_exactness": exactness}
    return Collector({name: clock | case_metadata(prepared_of()) for name in ("A", "B")})


def five(loops: int) -> int:
    """Warm-up iterations."""
    return 5


def measured(name: str, *values: float, series: str = "wall") -> CaseResult:
    """One boot of a case, one value for each slice."""
    return CaseResult(
        name=name,
        outcome=OK,
        values={series: list(values)},
        spread={series: {"mean_s": 2.01e-9, "histogram_ticks": "1152*5"}},
        result=slice_result_of(distributions={series: bursts_of(2_000)}),
    )


def test_one_benchmark_for_each_series_and_one_run_for_each_boot() -> None:
    """The boot is the unit of replication."""
    results = collector()
    for boot, values in enumerate(((2e-9, 3e-9), (4e-9, 5e-9)), 1):
        results.add(measured("A", *values), boot=boot, turn=1, warmup_of=five)
    suite = results.suite()

    assert suite is not None
    assert suite.get_benchmark_names() == ["A wall"]
    runs = suite.get_benchmark("A wall").get_runs()
    assert [run.values for run in runs] == [(2e-9, 3e-9), (4e-9, 5e-9)]


def test_benchmarks_come_in_the_order_of_the_plan() -> None:
    """Boots come in any order; files of one plan can be laid side by side."""
    results = collector()
    for name in ("B", "A"):
        results.add(measured(name, 2e-9), boot=1, turn=1, warmup_of=five)

    assert [b.get_name() for b in results.suite() or ()] == ["A wall", "B wall"]


def test_a_run_carries_facts_counts_and_spread() -> None:
    """pyperf refuses values <= 0, so counts are metadata, of one iteration."""
    results = collector()
    results.add(measured("A", 2e-9), boot=1, turn=1, warmup_of=five)
    suite = results.suite()
    assert suite is not None
    metadata = suite.get_benchmark("A wall").get_metadata()

    assert {
        "loops": 10,
        "unit": "second",
        "pvbench_clock": "model",
        "pvbench_series": "wall",
        "pvbench_warmup_loops": 5,
        "pvbench_sources": 1,
        "pvbench_targets": 3,
        "pvbench_lost": 0,
        "pvbench_icr_writes": 3.0,
        "pvbench_hypercalls": 0.0,
        "pvbench_handlers": 3.0,
        "pvbench_statistic": "median",
        "pvbench_mean_s": 2.01e-9,
        "pvbench_histogram_ticks": "1152*5",
        "pvbench_target_state_proved": "halted",
    }.items() <= metadata.items()


def stored_date(exactness: str) -> datetime | None:
    """When pyperf takes the one boot of a file for measured."""
    results = collector(exactness)
    results.add(measured("A", 2e-9), boot=1, turn=1, warmup_of=five)
    suite = results.suite()
    assert suite is not None
    dates = suite.get_dates()
    return dates[0] if dates else None


@pytest.mark.parametrize("exactness", ["near-exact", "noisy"])
def test_a_measured_boot_has_its_date(exactness: str) -> None:
    """Load, governors and neighbours change with time; pyperf reads the date too."""
    before = datetime.now(UTC)
    date = stored_date(exactness)

    assert date is not None
    assert timedelta(0) <= datetime.now(UTC) - date <= datetime.now(UTC) - before + SECOND


def test_a_result_of_an_exact_clock_has_no_date() -> None:
    """Its file is the same on any day, byte for byte."""
    assert stored_date("exact") is None


@pytest.mark.parametrize(("exactness", "turn"), [("noisy", 2), ("exact", None)])
def test_the_turn_of_a_case_is_stored_if_it_can_matter(
    exactness: str, turn: int | None
) -> None:
    """A result of an exact clock is the same at any place in the order of a boot."""
    results = collector(exactness)
    results.add(measured("A", 2e-9), boot=1, turn=2, warmup_of=five)
    suite = results.suite()
    assert suite is not None

    assert suite.get_benchmark("A wall").get_metadata().get("pvbench_turn") == turn


def test_a_delivery_adds_facts_and_changes_none() -> None:
    """Of the case, of the run and of the boot."""
    results = collector()
    facts: dict[str, str | int | float] = {
        "colour": "red",
        "stack": "x",
        "clock": "x",
        "boot": 7,
        "icr_writes": 9,
    }
    case = measured("A", 2e-9)
    assert case.result is not None
    case = attrs.evolve(case, result=attrs.evolve(case.result, facts=facts))
    results.add(case, boot=1, turn=1, warmup_of=five)
    suite = results.suite()
    assert suite is not None

    stored = suite.get_benchmark("A wall").get_metadata()
    assert stored["pvbench_colour"] == "red"
    assert stored["pvbench_stack"] == "x2apic-physical"
    assert (stored["pvbench_clock"], stored["pvbench_boot"]) == ("model", 1)
    assert stored["pvbench_icr_writes"] == 3.0


def test_an_unknown_count_is_not_stored() -> None:
    """Unknown is neither 0 nor a made-up number."""
    counts = slice_result_of(icr_writes=None).counts

    assert "pvbench_icr_writes" not in counted(counts, loops=10)


def test_pyperf_collects_nothing_about_the_host() -> None:
    """pyperf's own metadata would name the machine and the time."""
    results = collector()
    results.add(measured("A", 2e-9), boot=1, turn=1, warmup_of=five)
    suite = results.suite()
    assert suite is not None

    assert not {"hostname", "date", "boot_time"} & set(suite.get_metadata())


@pytest.mark.parametrize("kind", ["void", "failed"])
def test_a_case_without_proof_adds_no_run(kind: str) -> None:
    """A void sample is never a data point, and a failed boot has none."""
    results = collector()
    result = slice_result_of() if kind == "void" else None
    results.add(
        CaseResult(name="A", outcome=Outcome(kind, "why"), result=result),
        boot=1,
        turn=1,
        warmup_of=five,
    )

    assert results.suite() is None
