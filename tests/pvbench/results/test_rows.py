"""Benchmarks as rows of facts."""

from __future__ import annotations

from pathlib import Path

import pyperf
import pytest

from pvbench.results import files as result_files
from pvbench.results import schema
from pvbench.results.rows import ordered, rows
from support.runs import row_of, suite_of

PHYSICAL = "x2apic-physical"


def test_a_row_is_a_benchmark_without_the_prefix_of_its_facts() -> None:
    """`pyperf` stores the fact ``stack`` as ``pvbench_stack``."""
    original = row_of("broadcast", PHYSICAL, 2e-6, 3e-6)
    (parsed,) = rows(suite_of(original))

    assert (parsed.name, parsed.boots_s) == (original.name, (2e-6, 3e-6))
    assert original.facts.items() <= parsed.facts.items()


def test_a_boot_counts_as_the_median_of_its_slices() -> None:
    """Only boots are observations; the slices of one boot are not."""
    metadata = {"name": "a", "pvbench_stack": PHYSICAL}
    runs = [
        pyperf.Run(values, metadata=metadata, collect_metadata=False)
        for values in ([1.0, 9.0, 2.0], [3.0, 4.0, 5.0])
    ]
    (row,) = rows(pyperf.BenchmarkSuite([pyperf.Benchmark(runs)]))

    assert (row.boots_s, row.value_s) == ((2.0, 4.0), 3.0)


def test_numbers_that_differ_between_boots_are_their_median() -> None:
    """Only of numbers that all boots have; texts that differ are dropped."""
    boots = (
        {"pvbench_exits": 5.0, "pvbench_hot": "yes", "pvbench_once": 1, "pvbench_vcpus": 2},
        {"pvbench_exits": 9.0, "pvbench_hot": "no", "pvbench_vcpus": 2},
        {"pvbench_exits": 6.5, "pvbench_hot": "no", "pvbench_vcpus": 2},
    )
    runs = [
        pyperf.Run([1.0], metadata={"name": "a"} | facts, collect_metadata=False)
        for facts in boots
    ]
    (row,) = rows(pyperf.BenchmarkSuite([pyperf.Benchmark(runs)]))

    assert (row.fact("exits"), row.fact("vcpus")) == (6.5, 2)
    assert (row.fact("hot"), row.fact("once")) == (None, None)


def test_rows_keep_the_order_of_the_file() -> None:
    """Reports follow the plan."""
    suite = suite_of(*(row_of(name, PHYSICAL, 1.0) for name in ("b", "c", "a")))

    assert ordered(rows(suite), "workload") == ["b", "c", "a"]


def test_a_missing_fact_is_none() -> None:
    """Published files know little of their software."""
    assert row_of("broadcast", PHYSICAL, 1.0).fact("wakeups_blocked") is None


def test_a_key_leaves_out_the_axes_that_may_differ() -> None:
    """Two senders of one case differ in these facts only."""
    native, overlaid = (row_of("broadcast", s, 1.0) for s in (PHYSICAL, f"kvm-pv/{PHYSICAL}"))

    assert native.key() != overlaid.key()
    assert native.key(("sender",)) == overlaid.key(("sender",))


def test_every_axis_is_in_a_file_that_was_run(native_file: Path) -> None:
    """
    Of a model on one host, without a sweep, with all CPUs online under the IDs that they have
    by default; it has no guest to execute a sender.
    """
    (first, *_) = rows(result_files.read(str(native_file)))
    absent = [axis for axis in schema.axes() if first.fact(axis) is None]

    assert absent == [
        *("offline_cpus", "logical_ids", "vp_indexes"),
        *("host", "sweep", "execution"),
    ]


def test_no_two_rows_of_a_run_have_one_key(overlay_file: Path) -> None:
    """The axes tell all cases apart."""
    keys = [row.key() for row in rows(result_files.read(str(overlay_file)))]

    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("exactness", "site", "expected"),
    [
        pytest.param("exact", "local", (True, "modelled"), id="exact"),
        pytest.param("near-exact", "local", (False, "emulated"), id="near-exact"),
        pytest.param("noisy", "local", (False, "measured"), id="noisy"),
        pytest.param("noisy", "published", (False, "published"), id="published"),
    ],
)
def test_the_stored_exactness_decides_which_times_repeat(
    exactness: str, site: str, expected: tuple[bool, str]
) -> None:
    """The name of the clock does not matter: any delivery may have an exact one."""
    row = row_of("broadcast", PHYSICAL, 2e-6, clock="x", exactness=exactness, site=site)

    assert (row.is_exact, row.kind) == expected


@pytest.mark.parametrize(("clock", "expected"), [("model", True), ("tsc", False)])
def test_a_file_without_exactness_is_exact_if_it_was_modelled(
    clock: str, expected: bool
) -> None:
    """Files that are older than this fact are still read."""
    row = row_of("broadcast", PHYSICAL, 2e-6, clock=clock, exactness=None)

    assert row.is_exact is expected
