"""The distinct sends of a recording."""

from __future__ import annotations

from collections import Counter

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench.errors import UsageError
from pvbench.ops import Burst
from pvbench.recording.recording import Recording
from pvbench.recording.sends import Sends, sends_of
from support.helpers import guest_of
from support.recordings import FLUSH, RESCHEDULE, WAKE_UP, recording_of
from support.replays import bursts_of, recordings


def counted(sends: Sends) -> Counter[tuple[bool, tuple[int, ...]]]:
    """The targets of all sends, and whether they are function calls."""
    counts: Counter[tuple[bool, tuple[int, ...]]] = Counter()
    for burst, count in sends.bursts:
        counts[_key(burst)] += count
    for masks in sends.masks:
        for place, count in enumerate(masks.counts.tolist()):
            counts[_key(masks.burst(place))] += count
    return counts


def _key(burst: Burst) -> tuple[bool, tuple[int, ...]]:
    targets = burst.targets
    if burst.protocol == "csd":
        targets = tuple(cpu for cpu in targets if cpu != burst.source)
    return burst.protocol == "csd", targets


@given(st.sampled_from((3, 70)).flatmap(recordings))
def test_each_send_is_counted_once(recording: Recording) -> None:
    """A function call interrupts no sending CPU, and a call to it alone is no send."""
    sends = sends_of(recording, guest_of(range(recording.cpus)))
    one_by_one = Counter(key for key in map(_key, bursts_of(recording)) if key != (True, ()))

    assert counted(sends) == one_by_one


def test_a_send_to_all_others_is_a_broadcast_of_its_source() -> None:
    """Masks of some CPUs stay columns; those of equal targets are one."""
    rows = [(0, 3, (0, 1, 2), 2), (1, 2, (0, 1, 3), 2), (2, 3, (0, 1), 2), (3, 2, (0, 1), 2)]
    sends = sends_of(recording_of(rows), guest_of(range(4)))

    assert [(burst.source, count) for burst, count in sends.bursts] == [(3, 1), (2, 1)] or [
        (burst.source, count) for burst, count in sends.bursts
    ] == [(2, 1), (3, 1)]
    (masks,) = sends.masks
    assert (len(masks), masks.counts.tolist()) == (1, [2])
    assert masks.burst(0).targets == (0, 1)


def test_a_reschedule_is_sent_without_a_queue() -> None:
    """It has its own function and vector, and it may be to the own CPU."""
    rows = [(0, 1, (1,), 0), (1, 1, (0,), 1), (2, 1, (0, 2), 0)]
    sends = sends_of(recording_of(rows, 4, calls=(RESCHEDULE, WAKE_UP)), guest_of(range(4)))

    assert {(b.operation, b.targets, b.vector) for b, _ in sends.bursts} == {
        ("send_IPI", (1,), 0xFD),
        ("smp_call_function_single", (0,), 0xFB),
    }
    (masks,) = sends.masks
    assert masks.burst(0).operation == "send_IPI_mask"
    assert masks.burst(0).vector == 0xFD


def test_counts_of_rows_are_added() -> None:
    """A recording can have a row for many equal sends."""
    recording = recording_of([(0, 0, (1, 2), 0), (1, 3, (1, 2), 0)], calls=(FLUSH,))
    sent = attrs.evolve(recording.sent, count=np.array([5, 7], np.int64))
    (masks,) = sends_of(attrs.evolve(recording, sent=sent), guest_of(range(4))).masks

    assert masks.counts.tolist() == [12]


def test_a_cpu_that_is_offline_takes_no_part() -> None:
    """The sentence names it."""
    with pytest.raises(UsageError, match="CPU 2 takes part in the recording and is offline"):
        sends_of(recording_of(), guest_of(range(4), offline=(2,)))


def test_a_recording_without_sends_has_none() -> None:
    """Such as one of calls that were all queued."""
    sends = sends_of(recording_of([]), guest_of(range(4)))

    assert (sends.bursts, sends.masks) == ((), ())
