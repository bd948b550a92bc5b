"""Histograms: encode, decode, merge, and quantiles within half a per cent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.histogram import Histogram
from pvbench.slice_result import quantile

TIME = st.one_of(st.integers(0, 600), st.integers(0, 2**64 - 1))
TIMES = st.lists(TIME, min_size=1, max_size=200)
PER_MILLE = st.integers(0, 1000)


def test_an_entry_is_a_distance_and_a_number_of_times() -> None:
    """Times below 256 are their own bucket; 1000 to 1003 ticks share bucket 506."""
    histogram = Histogram.of([1_003, 3, 1_000, 3, 4])

    assert histogram.encoded() == "3*2 1 502*2"
    assert histogram.counts == {3: 2, 4: 1, 506: 2}


@given(TIMES)
def test_decoding_is_the_inverse_of_encoding(times: list[int]) -> None:
    """This holds for any 64-bit times."""
    histogram = Histogram.of(times)

    assert Histogram.decoded(histogram.encoded()) == histogram


@given(st.lists(TIMES, min_size=1, max_size=5))
def test_merged_histograms_are_the_histogram_of_all_times(slices: list[list[int]]) -> None:
    """Their order does not matter."""
    merged = Histogram.merged(Histogram.of(times) for times in slices)

    assert merged == Histogram.of([time for times in slices for time in times])
    assert list(merged.counts) == sorted(merged.counts)


@given(TIMES, PER_MILLE)
def test_a_quantile_differs_by_at_most_half_a_per_cent(times: list[int], part: int) -> None:
    """The reference is the quantile of the times themselves."""
    exact = quantile(sorted(times), part)

    assert Histogram.of(times).quantile(part) == pytest.approx(exact, rel=0.005, abs=0)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=200), PER_MILLE)
def test_small_ticks_are_exact(times: list[int], part: int) -> None:
    """A coarse clock has few ticks a burst, and half a per cent of them is less than one."""
    assert Histogram.of(times).quantile(part) == quantile(sorted(times), part)


@pytest.mark.parametrize(
    "time", [254, 255, 256, 257, 258, 511, 512, 515, 516, 2**63, 2**64 - 1]
)
def test_the_middle_of_a_bucket_is_near_every_time_in_it(time: int) -> None:
    """At the limits of buckets."""
    assert abs(Histogram.of([time]).quantile(500) - time) <= time / 256


@given(st.lists(TIME, min_size=2, max_size=2, unique=True))
def test_buckets_are_in_the_order_of_times(times: list[int]) -> None:
    """A longer time is never in a lower bucket."""
    low, high = (next(iter(Histogram.of([time]).counts)) for time in sorted(times))

    assert low <= high


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "'' is not an entry", id="empty"),
        pytest.param("3 x", "'x' is not an entry", id="letter"),
        pytest.param("3  4", "'' is not an entry", id="two-spaces"),
        pytest.param("3\n", r"'3\\n' is not an entry", id="newline"),
        pytest.param("3*4*5", r"'3\*4\*5' is not an entry", id="two-numbers"),
        pytest.param("3 0*2", r"'0\*2' is not an entry", id="same-bucket-twice"),
        pytest.param("-3", "'-3' is not an entry", id="negative"),
        pytest.param("\u0663", "'\u0663' is not an entry", id="arabic-digit"),
        pytest.param("123456", "'123456' is not an entry", id="long-number"),
        pytest.param("3*0", "impossible bucket", id="no-times"),
        pytest.param("7424", "impossible bucket", id="beyond-64-bits"),
        pytest.param("99999 99999", "impossible bucket", id="far-beyond"),
    ],
)
def test_a_malformed_histogram_is_refused(text: str, reason: str) -> None:
    """It may come from an edited file."""
    with pytest.raises(ValueError, match=reason):
        Histogram.decoded(text)


def test_the_last_bucket_is_that_of_the_largest_time() -> None:
    """The next one, 7424, is refused."""
    assert Histogram.of([2**64 - 1]).encoded() == "7423"
