"""The document of `show --statistic all`."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.errors import UsageError
from pvbench.histogram import Histogram
from pvbench.report import csv, text
from pvbench.report.statistics import document
from pvbench.results.rows import Row
from support.runs import row_of, suite_of

PHYSICAL = "x2apic-physical"
SPREAD: dict[str, Any] = {
    "mean_s": 2.1e-6,
    "p99_s": 3e-6,
    "minimum_s": 1e-6,
    "maximum_s": 9e-6,
    "histogram_ticks": Histogram.of([200]).encoded(),
    "ticks_per_second": 25_000_000,
}


def measured(workload: str, **facts: Any) -> Row:
    """A series of one boot whose median is 2 us."""
    return row_of(workload, PHYSICAL, 2e-6, **(SPREAD | facts))


def test_each_case_has_a_row_and_each_statistic_a_column() -> None:
    """The rows are of one series, from the fastest burst to the slowest."""
    suite = suite_of(measured("broadcast"), measured("self-ipi"), measured("x", series="send"))

    assert csv.render(document(suite, "wall")).splitlines() == [
        "stack,workload,min,median,mean,p99,p99.9,max",
        f"{PHYSICAL},broadcast,1e-06,2e-06,2.1e-06,3e-06,8e-06,9e-06",
        f"{PHYSICAL},self-ipi,1e-06,2e-06,2.1e-06,3e-06,8e-06,9e-06",
    ]


def test_each_guest_has_a_table_with_a_heading_and_the_origin_of_its_times() -> None:
    """As the table of one statistic has."""
    small = attrs.evolve(measured("broadcast", guest="dense:4", vcpus=4), name="small")
    printed = text.render(document(suite_of(measured("broadcast"), small), "wall"), 1000)

    assert printed.count("wall time of one burst, modelled by cost profile skylake-2018") == 2
    assert "norov on dense:80: 80 vCPUs" in printed
    assert "norov on dense:4: 4 vCPUs" in printed
    assert "9.00 us" in printed


def test_a_case_without_one_of_them_is_refused() -> None:
    """A published table has a mean only."""
    with pytest.raises(UsageError, match="has no min: it was stored without it"):
        document(suite_of(measured("broadcast", minimum_s=None)), "wall")
