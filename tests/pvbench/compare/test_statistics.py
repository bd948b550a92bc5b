"""Verdicts on noisy clocks: boots are the observations, and few boots say little."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvbench.compare.statistics import Sample, Verdict, verdicts

# Six boots of a machine that drifts by 40 % while it is measured.
DRIFT = (1.00, 1.08, 1.16, 1.24, 1.32, 1.40)
# And noise of about 1 % on top.
NOISE = (1.004, 0.993, 1.008, 0.997, 1.001, 0.995)


def scaled(factor: float, *series: tuple[float, ...]) -> tuple[float, ...]:
    """Seconds: the product of some series."""
    return tuple(1e-6 * factor * math.prod(parts) for parts in zip(*series, strict=True))


def verdict(before: tuple[float, ...], after: tuple[float, ...], *, paired: bool) -> Verdict:
    """Of one sample alone, with a margin of 2 %."""
    (result,) = verdicts([Sample(before_s=before, after_s=after, paired=paired)], 0.02)
    return result


def test_sides_that_shared_their_boots_are_told_apart_in_spite_of_drift() -> None:
    """Drift hits both sides of a boot alike; six boots of one sign are enough: 2/64."""
    before, after = scaled(1, DRIFT), scaled(0.9, DRIFT, NOISE)

    assert verdict(before, after, paired=True).kind == "faster"
    assert verdict(after, before, paired=True).kind == "slower"


def test_the_same_times_of_separate_boots_tell_nothing() -> None:
    """There drift cannot be told from a difference."""
    result = verdict(scaled(1, DRIFT), scaled(0.9, DRIFT, NOISE), paired=False)

    assert result.kind == "inconclusive"
    assert (result.boots_needed or 0) > 6


def test_separate_boots_far_apart_are_told_apart() -> None:
    """All six of one side below all six of the other: 2 of 924 arrangements."""
    result = verdict(scaled(2, NOISE), scaled(1, NOISE), paired=False)

    assert result.kind == "faster"
    assert (result.low or 0) < 2 < (result.high or 0)


@pytest.mark.parametrize("boots", range(1, 6))
@pytest.mark.parametrize("paired", [True, False])
def test_fewer_than_six_boots_are_no_verdict(boots: int, paired: bool) -> None:
    """With five of one sign a sign-flip test gives 2/32, above 5 %."""
    before, after = scaled(2, NOISE)[:boots], scaled(1, NOISE)[:boots]

    assert verdict(before, after, paired=paired) == Verdict(kind="inconclusive", boots_needed=6)


def test_within_the_margin_is_equivalent_even_if_it_is_significant() -> None:
    """1 % faster in every boot is a difference nobody asked about."""
    result = verdict(scaled(1, DRIFT), scaled(0.99, DRIFT), paired=True)

    assert result.kind == "equivalent"


def test_holm_s_correction_holds_over_all_pairs_of_a_comparison() -> None:
    """2/64 alone is significant; of two such pairs the smaller p counts twice."""
    sample = Sample(before_s=scaled(1, DRIFT), after_s=scaled(0.9, DRIFT, NOISE), paired=True)

    assert [result.kind for result in verdicts([sample], 0.02)] == ["faster"]
    assert [result.kind for result in verdicts([sample] * 2, 0.02)] == ["inconclusive"] * 2


def test_holm_s_correction_is_weaker_than_bonferroni_s() -> None:
    """Of two pairs the larger p, 2/64, counts once: the smaller one, 2/256, is significant."""
    weak = Sample(before_s=scaled(1, DRIFT), after_s=scaled(0.9, DRIFT, NOISE), paired=True)
    boots = (*DRIFT, 1.48, 1.56)
    noise = (*NOISE, 1.002, 0.999)
    strong = Sample(before_s=scaled(1, boots), after_s=scaled(0.9, boots, noise), paired=True)

    assert [result.kind for result in verdicts([weak, strong], 0.02)] == ["faster", "faster"]


def test_an_interval_has_95_per_cent_of_the_resamples() -> None:
    """Of eight ratios from 1.0 to 1.7; half of the resamples lie between 1.25 and 1.45."""
    ratios = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7)
    result = verdict(scaled(1, ratios), scaled(1, (1.0,) * 8), paired=True)

    assert result.low is not None
    assert result.high is not None
    assert (result.low, result.high) == pytest.approx((1.1, 1.6))


def test_equal_samples_have_equal_verdicts() -> None:
    """To the last bit: resampling starts from the same seed each time."""
    before, after = scaled(1, DRIFT), scaled(0.9, DRIFT[::-1], NOISE)
    equal = [Sample(before_s=before, after_s=after, paired=False)] * 6

    assert len(set(verdicts(equal, 0.02))) == 1


def test_pairs_without_enough_boots_do_not_weaken_the_others() -> None:
    """What cannot be tested is no test."""
    enough_boots = Sample(
        before_s=scaled(1, DRIFT), after_s=scaled(0.9, DRIFT, NOISE), paired=True
    )
    one_boot = Sample(before_s=(1e-6,), after_s=(2e-6,), paired=True)

    kinds = [result.kind for result in verdicts([one_boot, enough_boots, one_boot], 0.02)]
    assert kinds == ["inconclusive", "faster", "inconclusive"]


def test_nothing_is_judged_if_there_is_nothing() -> None:
    """An empty comparison."""
    assert verdicts([], 0.02) == []


times = st.lists(st.floats(1e-7, 1e-5), min_size=6, max_size=8).map(tuple)


@settings(max_examples=20)
@given(times, times)
def test_a_verdict_turned_round_is_the_opposite(
    one: tuple[float, ...], other: tuple[float, ...]
) -> None:
    """Which side is the baseline is a matter of words."""
    opposite = {"faster": "slower", "slower": "faster"}
    forward = verdict(one, other, paired=False).kind
    backward = verdict(other, one, paired=False).kind

    assert "equivalent" in (forward, backward) or opposite.get(forward, forward) == backward
