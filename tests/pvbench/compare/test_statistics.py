"""Verdicts on noisy clocks: boots are the observations, and few boots say little."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.compare.statistics import (
    Interleaved,
    NotInterleaved,
    Verdict,
    verdicts,
)

# Six boots of a machine that drifts by 40 % while it is measured.
DRIFT = (1.00, 1.08, 1.16, 1.24, 1.32, 1.40)
# And noise of about 1 % on top.
NOISE = (1.004, 0.993, 1.008, 0.997, 1.001, 0.995)
OPPOSITE = {"faster": "slower", "slower": "faster"}


def scaled(factor: float, *series: tuple[float, ...]) -> tuple[float, ...]:
    """Seconds: the product of some series."""
    return tuple(1e-6 * factor * math.prod(parts) for parts in zip(*series, strict=True))


def interleaved(
    before: tuple[float, ...], after: tuple[float, ...], margin: float = 0.02
) -> Interleaved:
    """Boots of both sides with the labels 1, 2 and so on."""
    return Interleaved(
        before_s=dict(enumerate(before, 1)), after_s=dict(enumerate(after, 1)), margin=margin
    )


def together(
    before: tuple[float, ...], after: tuple[float, ...], margin: float = 0.02
) -> Verdict:
    """The verdict on one interleaved pair alone."""
    (verdict,) = verdicts([interleaved(before, after, margin)])
    return verdict


def test_a_difference_between_sides_that_shared_boots_is_found_in_spite_of_drift() -> None:
    """Drift hits both sides of a boot alike; six boots of one sign are enough: 1/32."""
    before, after = scaled(1, DRIFT), scaled(0.9, DRIFT, NOISE)

    assert together(before, after).kind == "faster"
    assert together(after, before).kind == "slower"


def test_a_verdict_has_the_ratio_of_geometric_means_and_its_interval() -> None:
    """Of six boots the interval reaches from the smallest ratio to the largest."""
    verdict = together(scaled(1, DRIFT), scaled(0.8, DRIFT, NOISE))

    assert verdict.ratio == pytest.approx(1.25 / math.prod(NOISE) ** (1 / 6))
    assert (verdict.low, verdict.high) == pytest.approx((1.25 / 1.008, 1.25 / 0.993))


@pytest.mark.parametrize("boots", range(6))
def test_fewer_than_six_boots_give_no_verdict(boots: int) -> None:
    """With five of one sign 1 of 16 vectors is as extreme, above 5 %."""
    verdict = together(scaled(2, NOISE)[:boots], scaled(1, NOISE)[:boots])

    number = "1 boot is" if boots == 1 else f"{boots} boots are"
    assert verdict.reason == f"{number} too few for a verdict, which needs 6"
    assert verdict.ratio == (pytest.approx(2) if boots else None)
    assert (verdict.kind, verdict.low, verdict.boots_needed) == ("inconclusive", None, None)


def test_only_boots_that_both_sides_have_are_compared() -> None:
    """Boots 1 and 8 are missing on one side each; six remain."""
    before = {label: 2e-6 * NOISE[label % 6] for label in range(1, 8)}
    after = dict.fromkeys(range(2, 9), 1e-06)
    (verdict,) = verdicts([Interleaved(before_s=before, after_s=after, margin=0.02)])

    assert verdict.kind == "faster"
    assert (verdict.low, verdict.high) == pytest.approx((2 * 0.993, 2 * 1.008))


def test_a_stricter_alpha_takes_more_boots() -> None:
    """Each of three looks has 1.7 %, which takes seven boots."""
    (verdict,) = verdicts([interleaved(scaled(2, NOISE), scaled(1, NOISE))], 0.05 / 3)

    assert verdict.reason == "6 boots are too few for a verdict, which needs 7"


def test_within_the_margin_is_equivalent_even_if_it_is_a_difference() -> None:
    """1 % faster in every boot is a difference that the margin allows."""
    assert together(scaled(1, DRIFT), scaled(0.99, DRIFT)).kind == "equivalent"


@pytest.mark.parametrize("margin", [0.01, 0.02, 0.03, 0.05, 0.1])
def test_the_margin_itself_is_equivalent(margin: float) -> None:
    """In both directions, however the logarithms are rounded."""
    more, less = (scaled(factor, DRIFT) for factor in (1 + margin, 1))
    kinds = [together(*sides, margin).kind for sides in ((more, less), (less, more))]

    assert kinds == ["equivalent"] * 2


def test_pairs_have_margins_of_their_own() -> None:
    """10 % is equivalent where the margin is 15 %."""
    before, after = scaled(1, DRIFT), scaled(0.91, DRIFT, NOISE)
    samples = [interleaved(before, after, margin) for margin in (0.02, 0.15)]

    assert [verdict.kind for verdict in verdicts(samples)] == ["faster", "equivalent"]


def test_constants_are_decided() -> None:
    """Ten times 1.0 are compared with ten times 2.0, and with themselves."""
    ones, twos = (1.0,) * 10, (2.0,) * 10

    assert together(ones, twos).kind == "slower"
    assert together(ones, ones, margin=0).kind == "equivalent"


def test_a_difference_in_some_boots_has_the_sign_of_its_mean() -> None:
    """Seven of 13 boots are equal and six 5 % faster: never slower."""
    verdict = together((1.05,) * 6 + (1.0,) * 7, (1.0,) * 13)

    assert verdict.kind == "faster"
    assert 1 < (verdict.low or 0) < (verdict.ratio or 0) < (verdict.high or 0) < 1.05


def test_a_verdict_holds_over_all_pairs_of_a_comparison() -> None:
    """Six boots decide about one pair alone, and not about one of 51 that do not differ."""
    good = interleaved(scaled(1, DRIFT), scaled(0.985, DRIFT, NOISE), 0)
    noise = np.random.default_rng(0).lognormal(0, 0.01, (50, 6))
    noisy = [interleaved(tuple(row), (1.0,) * 6) for row in noise]

    assert verdicts([good])[0].kind == "faster"
    assert verdicts([good, *noisy])[0].kind == "inconclusive"


def test_pairs_without_enough_boots_do_not_weaken_the_others() -> None:
    """They are no part of the test."""
    good = interleaved(scaled(1, DRIFT), scaled(0.9, DRIFT, NOISE))
    few = interleaved((1e-6, 3e-6), (2e-6, 2e-6))

    assert [verdict.kind for verdict in verdicts([few, good, few])] == [
        "inconclusive",
        "faster",
        "inconclusive",
    ]
    assert verdicts([few, good])[1] == verdicts([good])[0]


def test_an_inconclusive_pair_says_how_many_boots_find_its_difference() -> None:
    """
    4 % faster on average, with a spread of 8 %, which ten boots may show as small as 6.7 %.
    """
    signs = (1, -1) * 5
    before = tuple(math.exp(0.04 + 0.08 * math.sqrt(0.9) * sign) for sign in signs)
    verdict = together(before, (1.0,) * 10)

    assert (verdict.kind, verdict.reason) == ("inconclusive", "the interval contains 1")
    assert verdict.finds == pytest.approx(math.expm1(0.04))
    assert verdict.boots_needed == pytest.approx((3.24 / 0.5 * 1.1865) ** 2, abs=3)


def test_without_a_difference_the_boots_are_those_that_find_the_margin() -> None:
    """The margin is 2 %, the spread 8 %."""
    signs = (1, -1) * 5
    verdict = together(tuple(math.exp(0.08 * sign) for sign in signs), (1.0,) * 10)

    assert verdict.finds == pytest.approx(0.02)
    assert verdict.boots_needed == pytest.approx((3.24 / 0.02 * 0.0843 * 1.1865) ** 2, rel=0.05)


def test_fewer_than_ten_boots_do_not_tell_how_many_are_needed() -> None:
    """Their spread may be small by chance."""
    before = tuple(math.exp(0.04 * sign) for sign in (1, -1) * 5)

    assert together(before[:9], (1.0,) * 9).boots_needed is None
    assert together(before, (1.0,) * 10).boots_needed is not None


def test_more_boots_than_were_simulated_are_not_promised() -> None:
    """The spread is 200 %, the margin 2 %."""
    verdict = together(tuple(math.exp(2 * sign) for sign in (1, -1) * 5), (1.0,) * 10)

    assert (verdict.boots_needed, verdict.finds) == (None, None)


def test_nothing_is_judged_if_there_is_nothing() -> None:
    """The comparison is empty."""
    assert verdicts([]) == []


def test_verdicts_are_in_the_order_of_their_samples() -> None:
    """There are samples of both kinds."""
    good = interleaved(scaled(1, DRIFT), scaled(0.9, DRIFT, NOISE))
    other = NotInterleaved(before_s=(1.0, 1.0), after_s=(2.0, 2.0), margin=0.02)
    ratios = [verdict.ratio for verdict in verdicts([other, good, other])]

    assert ratios == pytest.approx([0.5, 1 / 0.9, 0.5], rel=1e-3)


times = st.lists(st.floats(1e-7, 1e-5), min_size=6, max_size=8).map(tuple)


@given(times, times)
def test_a_verdict_turned_round_is_the_opposite(
    one: tuple[float, ...], other: tuple[float, ...]
) -> None:
    """Which side is the baseline does not matter."""
    forward, backward = together(one, other), together(other, one)

    assert OPPOSITE.get(forward.kind, forward.kind) == backward.kind
    assert forward.ratio == pytest.approx(1 / (backward.ratio or 1))


@given(times, times)
def test_an_interval_that_contains_1_is_neither_faster_nor_slower(
    one: tuple[float, ...], other: tuple[float, ...]
) -> None:
    """The verdict and its interval are one statement."""
    verdict = together(one, other)
    assert verdict.low is not None
    assert verdict.high is not None

    contains_1 = verdict.low <= 1 <= verdict.high
    assert contains_1 == (verdict.kind not in OPPOSITE) or verdict.kind == "equivalent"
