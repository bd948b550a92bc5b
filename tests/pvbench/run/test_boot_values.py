"""The values of a boot: times and facts that a result file can hold."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.histogram import Histogram
from pvbench.run.boot import run_boot
from pvbench.run.outcome import Outcome
from pvbench.run.plan import Boot
from pvbench.slice_result import Distribution
from support.helpers import guest_of
from support.runs import bursts_of, prepared_of
from support.sessions import NOISY
from support.told_worker import booted, launch_of, telling, timed


def test_ticks_become_seconds() -> None:
    """2,000 model ticks a burst are 2 ns: a tick of the model is a picosecond."""
    report = booted(telling())

    assert report.outcome == report.cases[0].outcome == Outcome("ok")
    assert report.cases[0].values == {"wall": [pytest.approx(2e-9)]}


def test_each_slice_gives_the_median_of_its_bursts() -> None:
    """The boot has the mean, the p99 and the extremes of all bursts."""
    reports = [telling(**timed(ticks)) for ticks in ([1_000, 2_000, 9_000], [3_000, 3_500])]
    (case,) = booted("\n".join(reports), slices=2).cases

    assert case.values == {"wall": [pytest.approx(2e-9), pytest.approx(3.25e-9)]}
    assert case.spread["wall"] == pytest.approx(
        {
            "mean_s": 3.625e-9,
            "p99_s": 6.25e-9,
            "minimum_s": 1e-9,
            "maximum_s": 9e-9,
            "histogram_ticks": Histogram.of([1_000, 2_000, 3_000, 3_500, 9_000]).encoded(),
            "ticks_per_second": 10**12,
        }
    )


def test_a_case_without_a_time_has_failed() -> None:
    """It has nothing that a result file could store, and a resumed run does not repeat it."""
    report = booted(telling(distributions={}))

    assert report.outcome == Outcome("ok")
    assert [case.outcome for case in report.cases] == [
        Outcome("failed", "its slices have no time, which the delivery should measure")
    ]


SHORT = attrs.evolve(Distribution.of([0, 1]), minimum=0, median=1e-4)  # 1e-16 s


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param(
            {"facts": {"huge": 1e300}}, "pvbench_huge is not a finite number", id="huge-fact"
        ),
        pytest.param({"facts": {"vcpus": "x"}}, "vcpus is not a number", id="text-for-number"),
        pytest.param({"target_state": ""}, "target_state_proved is not a", id="empty-state"),
        pytest.param(
            {"distributions": {"wall": attrs.asdict(SHORT)}},
            "there is a time outside",
            id="time",
        ),
    ],
)
def test_what_a_result_file_cannot_hold_makes_a_case_fail(
    changes: dict[str, Any], why: str
) -> None:
    """The file could be written and never be read."""
    (case,) = booted(telling(**changes)).cases

    assert (case.outcome.kind, why in case.outcome.reason) == ("failed", True)
    assert case.values == {}


def test_a_series_that_no_report_knows_is_refused() -> None:
    """An empty name would even end the run."""
    times = {"distributions": {"": attrs.asdict(Distribution.of([2_000]))}}
    report = booted(telling(**times))

    assert report.outcome.kind == "failed"
    assert "SliceResult.distributions has '', not one of send" in report.outcome.reason


@pytest.mark.parametrize("fact", ["", " ", "a\nb", [1], None, True, float("inf")])
def test_a_boot_fails_if_a_fact_cannot_be_stored(fact: Any) -> None:
    """The delivery is at fault, and there is no traceback."""
    report = booted(telling(facts={"colour": fact}))

    assert report.outcome.kind == "failed"
    assert "cannot be read" in report.outcome.reason
    assert "colour" in report.outcome.reason or fact == float("inf")


def test_slices_whose_clocks_differ_give_no_value() -> None:
    """One machine has one rate; the histogram of a boot counts ticks of one clock."""
    reports = [telling(ticks_per_second=rate) for rate in (10**9, 2 * 10**9)]
    launch = attrs.evolve(launch_of("\n".join(reports), slices=2), clock=NOISY)
    (case,) = run_boot(Boot(0, guest_of(range(4)), (prepared_of(),), (0,)), launch).cases

    assert case.outcome.kind == "failed"
    assert "its slices have clocks of different rates" in case.outcome.reason


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        pytest.param(
            {"total": 0, "median": 0.0, "minimum": 0.0}, "wall took 0 ticks", id="no-time"
        ),
        pytest.param({"minimum": -5.0}, "minimum: -5.0 is not", id="negative-time"),
        pytest.param({"samples": 0}, "samples: 0 is not", id="over-no-bursts"),
        pytest.param({"samples": 2**62}, "ticks are impossible", id="over-too-many-bursts"),
        pytest.param({"median": 5000.0}, "ticks are impossible", id="beyond-the-maximum"),
        pytest.param({"histogram": "12*0"}, "impossible bucket", id="impossible-histogram"),
    ],
)
def test_invalid_times_give_no_value(wrong: dict[str, Any], why: str) -> None:
    """pyperf refuses values <= 0; a delivery's mistake must not end the run either."""
    wall = attrs.asdict(bursts_of(2_000)) | wrong
    measured = booted(telling(distributions={"wall": wall})).cases[0]

    assert (measured.outcome.kind, measured.values) == ("failed", {})
    assert why in measured.outcome.reason
