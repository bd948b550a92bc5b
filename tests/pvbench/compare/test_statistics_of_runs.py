"""Verdicts on whole runs that were made one after the other."""

from __future__ import annotations

import math

import pytest

from pvbench.compare.allowance import Allowance
from pvbench.compare.statistics import NOT_INTERLEAVED, NotInterleaved, Verdict, verdicts

# Six boots with noise of about 1 %, and as many that take twice the time.
NOISE = (1.004, 0.993, 1.008, 0.997, 1.001, 0.995)
TWICE = tuple(2 * boot for boot in NOISE)


def one_by_one(
    before: tuple[float, ...], after: tuple[float, ...], allowance: Allowance | None = None
) -> Verdict:
    """The verdict on two whole runs, with a margin of 2 %."""
    sample = NotInterleaved(before_s=before, after_s=after, margin=0.02, allowance=allowance)
    (verdict,) = verdicts([sample])
    return verdict


def test_runs_one_after_the_other_have_no_verdict() -> None:
    """Twice as fast in six boots: the machine may have changed between the runs."""
    verdict = one_by_one(TWICE, NOISE)

    assert (verdict.kind, verdict.reason) == ("inconclusive", NOT_INTERLEAVED)
    assert verdict.ratio == pytest.approx(2)
    assert 1.97 < (verdict.low or 0) < 2 < (verdict.high or 0) < 2.03


def test_one_boot_on_a_side_has_no_interval() -> None:
    """Nothing tells how far boots scatter."""
    verdict = one_by_one((2.0,), (1.0, 1.0))

    assert (verdict.kind, verdict.reason) == ("inconclusive", NOT_INTERLEAVED)
    assert verdict.ratio == pytest.approx(2)
    assert (verdict.low, verdict.high) == (None, None)


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        pytest.param(1.08, "faster", id="beyond"),
        pytest.param(1 / 1.08, "slower", id="beyond-in-the-other-direction"),
        pytest.param(1.06, "inconclusive", id="within"),
    ],
)
def test_runs_beyond_the_allowance_have_a_verdict(factor: float, expected: str) -> None:
    """Ten sessions differed by 3 %, and t(10) is 2.228: 6.9 %."""
    allowance = Allowance(rms_log_ratio=0.03, sessions=10)
    verdict = one_by_one((factor, factor), (1.0, 1.0), allowance)

    reason = "equal runs of this host differ as much" if expected == "inconclusive" else ""
    assert (verdict.kind, verdict.reason) == (expected, reason)
    half = math.exp(2.228 * 0.03)
    assert (verdict.low, verdict.high) == pytest.approx(
        (factor / half, factor * half), rel=1e-4
    )


def test_runs_are_equivalent_if_the_allowance_is_within_the_margin() -> None:
    """Sessions differed by 0.2 %."""
    allowance = Allowance(rms_log_ratio=0.002, sessions=10)

    assert one_by_one((1.01,), (1.0,), allowance).kind == "equivalent"


def test_the_allowance_counts_the_pairs_that_have_one() -> None:
    """7 % is beyond what one pair may differ, and within what five may; others do not count."""
    allowance = Allowance(rms_log_ratio=0.03, sessions=10)
    good = NotInterleaved(before_s=(1.072,), after_s=(1,), margin=0, allowance=allowance)
    other = NotInterleaved(before_s=(1,), after_s=(1,), margin=0)

    assert verdicts([good, *[other] * 4])[0].kind == "faster"
    assert verdicts([good] * 5)[0].kind == "inconclusive"


def test_an_allowance_of_nothing_decides_nothing() -> None:
    """A coarse clock gave equal times in all sessions, which does not prove that it must."""
    allowance = Allowance(rms_log_ratio=0.0, sessions=10)

    assert one_by_one((1.1,), (1.0,), allowance).reason == NOT_INTERLEAVED


def test_a_verdict_on_runs_turned_round_is_the_opposite() -> None:
    """Which side is the baseline does not matter."""
    allowance = Allowance(rms_log_ratio=0.03, sessions=10)
    forward = one_by_one(TWICE, NOISE, allowance)
    backward = one_by_one(NOISE, TWICE, allowance)

    assert (forward.kind, backward.kind) == ("faster", "slower")
    assert forward.low == pytest.approx(1 / (backward.high or 1))
