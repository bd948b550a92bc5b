"""The exit status of a comparison, with and without a limit."""

from __future__ import annotations

import pytest

from pvbench.compare.pairs import Pair
from pvbench.compare.statistics import NOT_INTERLEAVED, Verdict
from pvbench.compare.status import Gate
from pvbench.compare.unpaired import Reason, Unpaired
from pvbench.errors import Status
from support.runs import row_of

PHYSICAL = "x2apic-physical"
LIMIT = Gate(fail_above_percent=10)
BEFORE = row_of("broadcast", PHYSICAL, 200e-6)
TSC = row_of("broadcast", PHYSICAL, 200e-6, clock="tsc")


def exact(slowdown: float) -> Pair:
    """A pair on the clock of the model."""
    after = row_of("broadcast", PHYSICAL, slowdown * 200e-6)
    return Pair(baseline="old", side="new", before=BEFORE, after=after)


def noisy(low: float | None, high: float | None, kind: str, reason: str = "") -> Pair:
    """A pair with an interval of the speed ratio."""
    verdict = Verdict(kind=kind, low=low, high=high, reason=reason)
    return Pair(baseline="old", side="new", before=TSC, after=TSC, judged=verdict)


@pytest.mark.parametrize(
    ("slowdowns", "expected"),
    [
        pytest.param([], Status.NOTHING_MEASURED, id="nothing-compared"),
        pytest.param([0.5], Status.OK, id="faster"),
        pytest.param([1], Status.OK, id="equal"),
        pytest.param([0.5, 1.005], Status.REGRESSION, id="one-slower"),
    ],
)
def test_a_slower_pair_is_a_regression(slowdowns: list[float], expected: Status) -> None:
    """One suffices."""
    assert Gate().status([exact(slowdown) for slowdown in slowdowns]) is expected


def test_a_pair_without_a_verdict_is_inconclusive() -> None:
    """Nothing was decided about it."""
    pair = Pair(baseline="old", side="new", before=TSC, after=TSC)

    assert Gate().status([pair]) is LIMIT.status([pair]) is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("slowdown", "expected"),
    [
        pytest.param(1.5, Status.REGRESSION, id="above"),
        pytest.param(1.11, Status.REGRESSION, id="a-little-above"),
        pytest.param(1.1, Status.OK, id="as-much"),
        pytest.param(1.09, Status.OK, id="below"),
        pytest.param(0.5, Status.OK, id="faster"),
    ],
)
def test_the_limit_of_an_exact_clock_is_compared_with_the_ratio(
    slowdown: float, expected: Status
) -> None:
    """It has no interval; slower within the limit is not a regression."""
    assert LIMIT.of_pair(exact(slowdown)) is expected


@pytest.mark.parametrize(
    ("low", "high", "kind", "expected"),
    [
        pytest.param(0.5, 0.8, "slower", Status.REGRESSION, id="whole-interval-above"),
        pytest.param(0.85, 0.97, "slower", Status.INCONCLUSIVE, id="contains-the-limit"),
        pytest.param(0.92, 0.97, "slower", Status.OK, id="slower-but-below"),
        pytest.param(0.95, 1.05, "inconclusive", Status.OK, id="undecided-but-below"),
        pytest.param(0.85, 1.5, "inconclusive", Status.INCONCLUSIVE, id="wide"),
        pytest.param(1.2, 1.5, "faster", Status.OK, id="faster"),
        pytest.param(None, None, "inconclusive", Status.INCONCLUSIVE, id="no-interval"),
    ],
)
def test_the_interval_of_the_slowdown_decides_on_a_noisy_clock(
    low: float | None, high: float | None, kind: str, expected: Status
) -> None:
    """The table has the interval of its inverse, the speed ratio."""
    assert LIMIT.of_pair(noisy(low, high, kind)) is expected


def test_files_that_were_not_interleaved_are_inconclusive_under_any_limit() -> None:
    """Their interval knows the scatter of the boots, not what changed between the runs."""
    pair = noisy(0.9, 1.1, "inconclusive", NOT_INTERLEAVED)

    assert Gate(fail_above_percent=1000).of_pair(pair) is Status.INCONCLUSIVE


def test_a_case_that_is_worse_than_slow_is_above_any_limit() -> None:
    """A sender that loses IPIs is not a little slower."""
    lost = Unpaired(name="a", file="new", reason=Reason.LOST, is_regression=True)

    gate = Gate(fail_above_percent=1000)

    assert gate.status([exact(1)], [lost]) is Status.REGRESSION


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        pytest.param("missing", Status.INCONCLUSIVE, id="missing"),
        pytest.param("loses", Status.REGRESSION, id="loses"),
        pytest.param("void", Status.REGRESSION, id="void"),
        pytest.param("unsupported", Status.REGRESSION, id="unsupported"),
    ],
)
def test_a_missing_case_is_inconclusive_if_that_is_asked_for(
    verdict: str, expected: Status
) -> None:
    """It was not measured; the other verdicts come from a measurement or a check."""
    series = Unpaired(
        name="a", file="new", reason=Reason.ONE_FILE, verdict=verdict, is_regression=True
    )

    assert Gate(missing_is_inconclusive=True).status([exact(1)], [series]) is expected
    assert Gate().status([exact(1)], [series]) is Status.REGRESSION
