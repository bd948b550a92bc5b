"""The statistics of a boot: which numbers of a result file they are."""

from __future__ import annotations

from typing import Any

import pyperf
import pytest

from pvbench.cli.common import STATISTICS
from pvbench.errors import UsageError
from pvbench.histogram import Histogram
from pvbench.results import schema
from pvbench.results.rows import Row, rows
from pvbench.results.statistic import ALL

TICKS = [100] * 997 + [200] * 2 + [250]
STORED: dict[str, Any] = {
    "statistic": "median",
    "mean_s": 3.0,
    "p99_s": 4.0,
    "minimum_s": 1.0,
    "maximum_s": 25.0,
    "histogram_ticks": Histogram.of(TICKS).encoded(),
    "ticks_per_second": 10,
}


def benchmark(*boots: dict[str, Any]) -> pyperf.Benchmark:
    """A benchmark with a run of two slices for each boot, with these facts."""
    return pyperf.Benchmark(
        [
            pyperf.Run(
                [2.0, 2.5],
                metadata={"name": "a"} | schema.stored({"boot": boot} | facts),
                collect_metadata=False,
            )
            for boot, facts in enumerate(boots, 1)
        ]
    )


def row(statistic: str, *boots: dict[str, Any]) -> Row:
    """The row of these boots."""
    (only,) = rows(pyperf.BenchmarkSuite([benchmark(*boots)]), "a.json", statistic)
    return only


@pytest.mark.parametrize("longest", [100_001, 100_090], ids=["first", "in-the-middle"])
def test_the_999th_per_mille_is_no_longer_than_the_longest_burst(longest: int) -> None:
    """A bucket of the histogram may end above the longest time in it."""
    histogram = Histogram.of([longest])
    facts = {"histogram_ticks": histogram.encoded(), "maximum_s": longest / 10}

    assert histogram.quantile(999) > longest
    assert row("p99.9", STORED | facts).value_s == longest / 10


@pytest.mark.parametrize(
    ("statistic", "value_s"),
    [
        ("median", 2.25),
        ("mean", 3.0),
        ("p99", 4.0),
        ("p99.9", 22.5),
        ("min", 1.0),
        ("max", 25.0),
    ],
)
def test_each_statistic_is_stored_with_a_boot(statistic: str, value_s: float) -> None:
    """The median of the slices are the values; the rest is metadata."""
    only = row(statistic, STORED, STORED)

    assert (only.boots_s, only.statistic, only.boots) == (2 * (value_s,), statistic, (1, 2))


def test_every_statistic_is_tested_above() -> None:
    """Those that are compared are shown too."""
    assert sorted(ALL) == ["max", "mean", "median", "min", "p99", "p99.9"]
    assert set(STATISTICS) == set(ALL) - {"p99.9"}


@pytest.mark.parametrize("lacking", [{"p99_s": None}, {"p99_s": 0}])
def test_a_boot_that_was_stored_without_the_statistic_has_no_value(
    lacking: dict[str, Any],
) -> None:
    """A boot of no time has none either, because a ratio to it is not a number."""
    other = {k: v for k, v in (STORED | lacking).items() if v is not None}
    only = row("p99", STORED, other, STORED)

    assert (only.boots_s, only.boots) == ((4.0, 4.0), (1, 3))


@pytest.mark.parametrize("statistic", ["p99", "p99.9", "min", "max"])
def test_a_series_without_the_statistic_is_refused(statistic: str) -> None:
    """A comparison would take it for missing, which is a regression."""
    with pytest.raises(UsageError, match=f"a has no {statistic}: it was stored without it"):
        row(statistic, {})


@pytest.mark.parametrize("asked", ["median", "mean"])
def test_values_of_a_file_that_names_no_statistic_are_means(asked: str) -> None:
    """A published table has nothing else, and no row calls them medians."""
    only = row(asked, {}, {})

    assert (only.boots_s, only.statistic) == ((2.25, 2.25), "mean")


def test_a_malformed_histogram_is_refused() -> None:
    """The file may have been edited."""
    with pytest.raises(UsageError, match="a is malformed: 'x' is not an entry of a histogram"):
        row("p99.9", STORED | {"histogram_ticks": "x"})
