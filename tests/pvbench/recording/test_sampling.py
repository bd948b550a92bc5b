"""A random sample of the sends of a recording."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.ops import Burst
from pvbench.recording.sampling import Send, sample_of, stratum_of
from pvbench.recording.sends import burst_of
from pvbench.topology import parse_guest

GUEST = parse_guest("ids:0-19,128-147")


def send(*targets: int, count: int = 1, called: bool = True) -> Send:
    """Sends of the last CPU."""
    return burst_of(39, targets, called=called), count


@pytest.mark.parametrize(
    ("burst", "words"),
    [
        (send(3)[0], "call to 1 CPU, 1 window, 1 cluster"),
        (send(3, called=False)[0], "reschedule to 1 CPU, 1 window, 1 cluster"),
        (send(0, 19)[0], "call to 2 CPUs, 1 window, 2 clusters"),
        (send(0, 1, 20)[0], "call to 3 to 4 CPUs, 2 windows, 2 clusters"),
        (send(*range(9))[0], "call to 9 to 16 CPUs, 1 window, 1 cluster"),
    ],
)
def test_a_stratum_has_sends_of_about_equal_time(burst: Burst, words: str) -> None:
    """CPU 19 is in the second cluster, and CPU 20 in the second window."""
    assert str(stratum_of(burst, GUEST)) == words


SENDS = st.lists(
    st.builds(
        lambda targets, count, called: send(*targets, count=count, called=called),
        st.lists(st.integers(0, 38), min_size=1, max_size=20, unique=True).map(sorted),
        st.integers(1, 50),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@given(SENDS, st.integers(1, 100), st.integers(0, 9))
def test_drawn_sends_stand_for_all(sends: list[Send], size: int, seed: int) -> None:
    """In each stratum their weights add up to its number of sends."""
    whole: Counter[str] = Counter()
    for burst, count in sends:
        whole[str(stratum_of(burst, GUEST))] += count
    weights: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for (burst, weight), drawn in sample_of(sends, GUEST, size, seed):
        stratum = str(stratum_of(burst, GUEST))
        assert (drawn.stratum, drawn.sends) == (stratum, whole[stratum])
        assert drawn.drawn >= min(2, drawn.sends)
        weights[stratum] += weight
        times[stratum] += drawn.times

    assert weights == whole
    assert times == {d.stratum: d.drawn for _, d in sample_of(sends, GUEST, size, seed)}


def test_a_send_is_drawn_as_often_as_it_occurs() -> None:
    """Over all seeds, one that is nine times as frequent is drawn nine times as often."""
    sends = [send(1, count=900), send(2, count=100)]
    times: Counter[int] = Counter()
    for seed in range(100):
        for (burst, _), drawn in sample_of(sends, GUEST, 10, seed):
            times[burst.targets[0]] += drawn.times

    assert times.total() == 1000
    assert 60 < times[2] < 140


def test_a_stratum_with_more_interrupts_has_more_of_the_sample() -> None:
    """Its part of the time is greater."""
    sends = [send(1, count=1000), send(*range(20), count=1000)]
    sizes = {d.stratum: d.drawn for _, d in sample_of(sends, GUEST, 42, 1)}

    assert sizes == {
        "call to 1 CPU, 1 window, 1 cluster": 2,
        "call to 17 to 32 CPUs, 1 window, 2 clusters": 40,
    }


def test_a_seed_draws_the_same_sample() -> None:
    """Another seed draws another one."""
    sends = [send(number, count=3) for number in range(30)]

    assert sample_of(sends, GUEST, 9, 1) == sample_of(sends, GUEST, 9, 1)
    assert sample_of(sends, GUEST, 9, 1) != sample_of(sends, GUEST, 9, 2)
