"""The charts of a claim: what is in them, and what is left to the tables."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from pvbench.report.html import counts, distributions, ratios, times
from pvbench.report.html.figure import MOST_SERIES
from pvbench.results.bursts import Bursts, of_series
from pvbench.results.files import read
from support.claims import claim_of
from support.html import claim_files
from support.runs import row_of, suite_of

PHYSICAL, PV = "x2apic-physical", "kvm-pv/x2apic-physical"


def test_a_family_is_drawn_against_its_parameter_with_its_crossovers(tmp_path: Path) -> None:
    """A point is the median of the boots, and the whiskers are their range."""
    claim = claim_files(tmp_path)
    (figure,) = times.figures(claim.rows, claim.comparison.crossovers)
    first = figure.records[0]

    assert figure.title == "Time against targets: fanout on dense:80"
    assert figure.note.startswith("Measured; series wall.")
    assert figure.note.endswith(
        "from 8 on x2apic-cluster faster and from 16 on kvm-pv/x2apic-physical faster."
    )
    assert (first["series"], first["value"], first["boots"]) == (PHYSICAL, 1, 8)
    assert first["low_s"] < first["time_s"] < first["high_s"]


def test_one_member_of_a_family_is_no_chart() -> None:
    """A point is no line."""
    row = row_of("fanout:1", PHYSICAL, 1e-6, family="fanout", parameter_value=1)

    assert list(times.figures([row], ())) == []


def test_a_chart_has_as_many_series_as_can_be_told_apart() -> None:
    """The others are in the tables."""
    rows = [
        row_of(f"fanout:{value}", f"s{number}", 1e-6, **facts)
        for number in range(MOST_SERIES + 3)
        for value in (1, 2)
        for facts in [{"family": "fanout", "parameter": "targets", "parameter_value": value}]
    ]
    (figure,) = times.figures(rows, ())

    assert len({record["series"] for record in figure.records}) == MOST_SERIES


def test_a_ratio_has_its_interval_on_a_noisy_clock_only(tmp_path: Path) -> None:
    """An exact ratio is a point."""
    noisy = next(ratios.figures(claim_files(tmp_path).comparison.pairs)).records[0]
    exact_rows = [row_of("broadcast", PHYSICAL, 2e-6), row_of("broadcast", PV, 1e-6)]
    (exact,) = ratios.figures(claim_of(exact_rows, by="sender").comparison.pairs)

    assert noisy["low"] < noisy["ratio"] < noisy["high"]
    assert (exact.records[0]["ratio"], exact.records[0]["low"]) == (2.0, None)
    assert "ratios have no interval" in exact.note


def test_the_cases_that_changed_most_are_drawn() -> None:
    """A chart of thousands of rows shows nothing; it says how many it leaves out."""
    rows = [
        row_of(f"pairs:{number}", stack, time_s)
        for number in range(1, 31)
        for stack, time_s in ((PHYSICAL, 1e-6 * number), (PV, 1e-6))
    ]
    (figure,) = ratios.figures(claim_of(rows, by="sender").comparison.pairs)

    assert (figure.records[0]["case"], len(figure.records)) == ("pairs:30", 24)
    assert "6 cases with smaller changes are in the tables only" in figure.note


def test_a_longer_path_has_the_range_of_its_boots(tmp_path: Path) -> None:
    """It is emulated, and the page says so."""
    facts = {"exactness": "near-exact", "clock": "icount", "delivery": "kvm"}
    before = row_of("broadcast", PHYSICAL, 1e-6, 1.001e-6, site="lab:6.1", **facts)
    after = row_of("broadcast", PHYSICAL, 2e-6, 2.001e-6, site="lab:6.12", **facts)
    (figure,) = ratios.figures(claim_of([before], [after]).comparison.pairs)
    (record,) = figure.records

    assert record["series"] == "longer"
    assert record["low"] < 0.5 < record["high"]
    assert "Times are path lengths" in figure.note


def test_a_distribution_rises_from_nothing_to_all_bursts(tmp_path: Path) -> None:
    """Both sides of a pair are in one chart."""
    claim = claim_files(tmp_path)
    suite = read(claim.comparison.files[0])
    bursts = {
        (row.file, row.name): bursts
        for row in claim.rows
        if (bursts := of_series(suite.get_benchmark(row.name)))
    }
    figures = list(distributions.figures(claim.comparison.pairs, bursts))
    first = figures[0].records

    assert len(figures) == 4
    assert {record["series"] for record in first} == {PHYSICAL, PV}
    assert (first[0]["share"], first[-1]["share"]) == (0.0, 1.0)


def test_pairs_without_histograms_have_no_distribution(tmp_path: Path) -> None:
    """A file may be older than they are."""
    assert list(distributions.figures(claim_files(tmp_path).comparison.pairs, {})) == []


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="no-histogram"),
        pytest.param({"histogram_ticks": "5*3"}, id="no-rate"),
    ],
)
def test_a_series_without_histogram_or_rate_has_no_bursts(facts: dict[str, str]) -> None:
    """Ticks without a rate are no times."""
    (benchmark,) = suite_of(row_of("broadcast", PHYSICAL, 1e-6, **facts))

    assert of_series(benchmark) is None


def test_the_bursts_of_all_boots_are_one_distribution() -> None:
    """Each point is a time with the share of bursts up to it."""
    facts = {"histogram_ticks": "5 5*3", "ticks_per_second": 10}
    (benchmark,) = suite_of(row_of("broadcast", PHYSICAL, 1.0, 1.0, **facts))
    bursts = of_series(benchmark)

    assert isinstance(bursts, Bursts)
    assert list(bursts.shares()) == [(0.5, 0.25), (1.0, 1.0)]


def test_counts_of_the_cases_in_which_stacks_differ_most_are_drawn() -> None:
    """A case with one stack compares nothing."""
    rows = [
        row_of("broadcast", PHYSICAL, 1e-6, icr_writes=79.0, hypercalls=0.0),
        row_of("broadcast", PV, 1e-6, icr_writes=0.0, hypercalls=1.0),
        row_of("normal-ipi", PHYSICAL, 1e-6, icr_writes=1.0),
        row_of("dry-run", PHYSICAL, 1e-6, targets=0),
    ]
    (figure,) = counts.figures(rows)

    assert [(record["case"], record["count"]) for record in figure.records] == [
        ("broadcast, x2apic-physical", 79.0),
        ("broadcast, kvm-pv/x2apic-physical", 1.0),
    ]
    assert list(counts.figures(rows[2:])) == []
    assert list(counts.figures([attrs.evolve(rows[0], facts={})])) == []
