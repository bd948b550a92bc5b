"""Intervals from sign flips: the closed form inverts the test, and all hold at once."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pvbench.compare.sign_flip import (
    F64,
    VECTORS,
    LogRatios,
    intervals,
    least_boots,
    vectors_of,
)

ALPHA = 0.05
Pairs = list[dict[int, float]]


def of(pairs: Pairs, alpha: float = ALPHA) -> list[tuple[float, float]]:
    """The interval of each pair."""
    return intervals(LogRatios.of(pairs), alpha)


def one(*values: float, alpha: float = ALPHA) -> tuple[float, float]:
    """The interval of a pair alone."""
    (interval,) = of([dict(enumerate(values))], alpha)
    return interval


# by the definition


def t_of(values: F64) -> float:
    """Student's t, the mean over its standard error; infinite without scatter."""
    mean, spread = abs(values.mean()), values.std(ddof=1)
    if spread > 1e-6 * mean:
        return float(mean / spread * math.sqrt(len(values)))
    return math.inf if mean > 1e-12 else 0.0


def is_accepted(pairs: Pairs, number: int, mean: float, alpha: float) -> bool:
    """Whether the test does not reject *mean* of a pair, vector by vector."""
    labels = sorted(set().union(*pairs))
    observed = t_of(np.array([value - mean for value in pairs[number].values()]))
    vectors = [dict(zip(labels, s, strict=True)) for s in product([1, -1], repeat=len(labels))]
    as_large = sum(
        any(
            t_of(np.array([signs[label] * value for label, value in pair.items()]))
            >= observed * (1 - 1e-9)
            for pair in (_shifted(pairs, number, mean))
        )
        for signs in vectors
    )
    return as_large > alpha * len(vectors)


def _shifted(pairs: Pairs, number: int, mean: float) -> Pairs:
    """The pair without *mean*, the others without a mean that exceeds their spread."""
    shifted = []
    for place, pair in enumerate(pairs):
        values = np.array(list(pair.values()))
        is_difference = abs(values.mean()) > values.std(ddof=1)
        shift = mean if place == number else values.mean() if is_difference else 0
        shifted.append({label: value - shift for label, value in pair.items()})
    return shifted


def family(boots: int) -> st.SearchStrategy[Pairs]:
    """One to three pairs; some of them lack a boot."""
    values = st.floats(-0.1, 0.1).map(lambda value: round(value, 4))
    labels = st.sets(st.integers(0, boots - 1), min_size=boots - 1, max_size=boots)
    pair = labels.flatmap(lambda chosen: st.fixed_dictionaries(dict.fromkeys(chosen, values)))
    return st.lists(pair, min_size=1, max_size=3)


@settings(max_examples=40)
@given(
    family(7),
    st.integers(0, 2),
    st.sampled_from([0.05, 0.1, 0.3]),
    st.floats(0.01, 0.99),
    st.floats(0.001, 0.1),
)
def test_an_interval_has_the_means_that_the_test_does_not_reject(
    pairs: Pairs, number: int, alpha: float, inside: float, outside: float
) -> None:
    """The closed form and the definition agree within the interval and beyond both ends."""
    number %= len(pairs)
    for pair in pairs:
        values = np.array(list(pair.values()))
        assume(values.std() > 1e-3)
        assume(abs(abs(values.mean()) - values.std(ddof=1)) > 1e-6)
    low, high = of(pairs, alpha)[number]

    ends = [end for end in (low - outside, high + outside) if math.isfinite(end)]
    assert not any(is_accepted(pairs, number, mean, alpha) for mean in ends)
    if math.isfinite(high - low):
        assert is_accepted(pairs, number, low + inside * (high - low), alpha)


# by hand


def test_six_boots_of_one_sign_exclude_no_difference() -> None:
    """Of 32 vectors only the observed one has so large a t, and 1/32 is below 5 %."""
    assert one(0.02, 0.03, 0.01, 0.02, 0.04, 0.03) == pytest.approx((0.01, 0.04))


def test_one_boot_of_another_sign_among_six_includes_no_difference() -> None:
    """Two of 32 vectors are more than 5 %."""
    low, high = one(0.02, 0.03, -0.01, 0.02, 0.04, 0.03)

    assert low < 0 < high


@pytest.mark.parametrize("value", [math.log(2), -math.log(2), 0.0])
def test_an_interval_without_scatter_is_one_point(value: float) -> None:
    """Ten times 1.0 against ten times 2.0 has a verdict, and so have two equal sides."""
    assert one(*[value] * 10) == pytest.approx((value, value))


@pytest.mark.parametrize(
    ("alpha", "boots"), [(0.05, 6), (0.05 / 2, 7), (0.05 / 3, 7), (0.05 / 4, 8), (0.3, 3)]
)
def test_the_fewest_boots_have_a_vector_that_is_rare_enough(alpha: float, boots: int) -> None:
    """With n boots the observed vector is one of 2 to the power of n - 1."""
    assert least_boots(alpha) == boots


@pytest.mark.parametrize(("boots", "count"), [(6, 32), (10, 512), (13, 4096), (14, 4096)])
def test_all_vectors_of_up_to_thirteen_boots_are_used(boots: int, count: int) -> None:
    """More boots have so many that random ones must do."""
    assert vectors_of(boots) == count <= VECTORS


@pytest.mark.parametrize("boots", [10, 20])
def test_the_observed_vector_is_always_one_of_them(boots: int) -> None:
    """Nothing is so improbable that it excludes more than one vector of all can."""
    values = np.linspace(1, 2, boots)

    assert one(*values, alpha=1e-5) == (-math.inf, math.inf)


def test_random_vectors_are_the_same_each_time() -> None:
    """To the last bit."""
    values = np.random.default_rng(1).normal(0.01, 0.02, 20)

    assert one(*values) == one(*values)


def test_the_interval_of_many_boots_is_nearly_that_of_t() -> None:
    """Of 40 normal boots, 2.023 standard errors on both sides, within 5 %."""
    values = np.random.default_rng(2).normal(0, 0.02, 40)
    low, high = one(*values)
    error = values.std(ddof=1) / math.sqrt(40)

    assert (low, high) == pytest.approx(
        (values.mean() - 2.023 * error, values.mean() + 2.023 * error), abs=0.1 * error
    )


def test_more_pairs_have_wider_intervals() -> None:
    """All of them hold at once."""
    pairs = [dict(enumerate(row)) for row in np.random.default_rng(3).normal(0, 1, (20, 10))]
    (low, high), *_ = of(pairs)
    (low_alone, high_alone), *_ = of(pairs[:1])

    assert low < low_alone < high_alone < high


@pytest.mark.parametrize("seed", range(10))
def test_the_same_pair_twice_is_decided_as_one_pair_is(seed: int) -> None:
    """All pairs share the signs, so one observation counts once, however often it occurs."""
    pair = dict(enumerate(np.random.default_rng(seed).normal(0.015, 0.02, 10)))
    decided = [low > 0 or high < 0 for low, high in (*of([pair]), *of([pair] * 5))]

    assert decided in ([True] * 6, [False] * 6)


def test_intervals_of_pairs_that_all_differ_hold_at_once() -> None:
    """
    Twenty differences of 20 spreads each: nineteen of twenty families, within chance.

    Flips of such a difference itself would be alike in all pairs, and then 27 of 100
    families have a wrong interval.
    """
    random = np.random.default_rng(5)
    wrong = 0
    for _ in range(150):
        rows = 20 + random.normal(0, 1, (20, 8))
        wrong += any(
            not low <= 20 <= high for low, high in of([dict(enumerate(r)) for r in rows])
        )

    assert wrong <= 17  # 7.5 are expected; more than 17 in one of a thousand tests


def test_pairs_that_always_differ_by_one_tick_give_no_verdict() -> None:
    """
    Up or down by chance: one of 20 pairs is up in all seven boots in every fourth family.

    Many other vectors make another pair equal in all boots, which is taken into account.
    """
    random = np.random.default_rng(6)
    wrong = 0
    for _ in range(150):
        rows = random.choice([-0.05, 0.05], (20, 7))
        wrong += any(
            low > 0 or high < 0 for low, high in of([dict(enumerate(r)) for r in rows])
        )

    assert wrong <= 17


def test_rounding_of_a_pair_without_scatter_is_no_noise() -> None:
    """The computed mean of ten times 0.3 is less; another pair keeps its interval."""
    noisy = dict(enumerate(np.random.default_rng(8).normal(0, 0.02, 10)))
    constant = dict.fromkeys(range(10), 0.3)

    assert of([noisy, constant])[0] == of([noisy])[0]


@pytest.mark.parametrize("step", [0.01, 0.03, 0.07, 0.09])
def test_an_end_that_is_0_but_for_rounding_is_0(step: float) -> None:
    """Of six boots the interval reaches from the smallest value to the largest."""
    (low, _), (_, high) = one(*step * np.arange(6)), one(*-step * np.arange(6))

    assert (low, high) == (0, 0)


def test_many_pairs_are_tested_part_by_part_with_the_same_result() -> None:
    """With 12 boots, 16 pairs make a part; the order of 40 pairs does not matter."""
    rows = np.random.default_rng(7).normal(0, 0.02, (40, 12))
    rows[20] += 0.05
    pairs = [dict(enumerate(row)) for row in rows]

    assert of(pairs)[::-1] == pytest.approx(np.array(of(pairs[::-1])), abs=1e-12)


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=9), st.floats(-1, 1))
def test_an_interval_turns_and_shifts_with_its_values(
    values: list[float], shift: float
) -> None:
    """Which side is the baseline does not matter, nor does a factor on one side."""
    low, high = one(*values)

    assert one(*(-value for value in values)) == pytest.approx((-high, -low), abs=1e-8)
    assert one(*(value + shift for value in values)) == pytest.approx(
        (low + shift, high + shift), abs=1e-8
    )
