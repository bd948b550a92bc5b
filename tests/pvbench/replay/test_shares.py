"""Shares of a recording."""

from __future__ import annotations

import attrs
import pytest

from pvbench.recording.bursts import Call
from pvbench.recording.sets import of_members
from pvbench.replay import shares
from pvbench.replay.shares import Calls, Share, Site, Size
from support.recordings import CALLS, recording_of


@pytest.mark.parametrize(("part", "whole"), [(140, 171), (1, 4), (10, 10), (0, 10)])
def test_a_share_of_few_sends_has_the_interval_of_wilson(part: int, whole: int) -> None:
    """A share is 1.96 of its standard errors away from each end, as if the end were true."""
    share = Share(part, whole)

    assert share.interval[0] < share.interval[1]
    for end in share.interval:
        error = (end * (1 - end) / whole) ** 0.5
        assert abs(share.value - end) == pytest.approx(1.959964 * error, abs=1e-6)


def test_a_share_of_nothing_is_unknown() -> None:
    """Its interval has all values."""
    assert (Share(0, 0).value, Share(0, 0).interval) == (0.0, (0.0, 1.0))


def test_the_shares_of_sends_and_of_interrupts_differ() -> None:
    """A multicast is one send and several interrupts."""
    recording = recording_of()

    assert shares.sent_of(recording).of_sends == Share(2, 4)
    assert shares.sent_of(recording).of_interrupts == Share(2, 8)


def test_sizes_double_and_all_others_are_apart() -> None:
    """Of ten CPUs all others are nine."""
    sizes = (1, 2, 3, 5, 8, 9)
    rows = [(n, 9, tuple(range(size)), 2) for n, size in enumerate(sizes)]

    assert shares.sizes(shares.sent_of(recording_of(rows, 10)), 9) == [
        Size(1, 1, 1, 1),
        Size(2, 3, 2, 5),
        Size(4, 7, 1, 5),
        Size(8, 8, 1, 8),
        Size(9, 9, 1, 9),
    ]
    assert shares.sizes(shares.sent_of(recording_of([], 10)), 9) == []


def test_a_mask_of_all_cpus_is_beyond_all_others() -> None:
    """A trace can have one if its list of CPUs online is shorter."""
    rows = [(0, 0, (0, 1, 2, 3), 2), (1, 0, (1, 2, 3), 2)]

    assert shares.sizes(shares.sent_of(recording_of(rows)), 3) == [
        Size(3, 3, 1, 3),
        Size(4, 4, 1, 4),
    ]


def test_callsites_are_ordered_by_interrupts() -> None:
    """The offsets of one function are one callsite."""
    again = Call(kind="reschedule", callsite="wakeup_preempt+0x99", function="0x0")
    rows = [(0, 0, (1,), 0), (1, 0, (1,), 3), (2, 0, (1, 2), 2), (3, 0, (2,), 2)]

    assert shares.sites(recording_of(rows, calls=(*CALLS, again))) == [
        Site("on_each_cpu_cond_mask", 2, 3, 1),
        Site("wakeup_preempt", 2, 2, 2),
    ]


def test_wanted_calls_are_kept_apart_from_sends() -> None:
    """Reschedules have no wanted call."""
    recording = recording_of()
    assert shares.wanted_and_sent(recording, 3) is None

    table = of_members([(1,), (2,), (0, 1, 2)])
    wanted = attrs.evolve(recording.sent, targets=recording.sent.targets * 0 + 2)
    sent = attrs.evolve(recording.sent, targets=recording.sent.targets * 0 + 1)
    recording = attrs.evolve(recording, sets=table, wanted=wanted, sent=sent)

    assert shares.wanted_and_sent(recording, 3) == (Calls(4, 12, 4), Calls(3, 3, 0))
