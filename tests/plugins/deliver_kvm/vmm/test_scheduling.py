"""The scheduling of threads is changed for a while, by the calls of this kernel."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

import pytest

from pvbench.errors import UnavailableError
from pvbench_deliver_kvm.vmm import scheduling
from pvbench_deliver_kvm.vmm.scheduling import (
    RealTime,
    get_attr,
    sched_attr,
    scheduled,
    set_attr,
)

HIGHEST_PID = 1 << 22


FIFO, ROUND_ROBIN = RealTime(os.SCHED_FIFO, 2), RealTime(os.SCHED_RR, 1)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> dict[int, sched_attr]:
    """Two threads of another kernel, with nice values and a time slice of 8 ms."""
    attrs = {1: sched_attr(sched_nice=3, sched_runtime=5), 2: sched_attr(sched_nice=4)}

    def put(thread: int, attr: sched_attr) -> None:
        attrs[thread] = sched_attr.from_buffer_copy(attr)

    monkeypatch.setattr(scheduling, "get_attr", lambda thread: attrs[thread])
    monkeypatch.setattr(scheduling, "set_attr", put)
    monkeypatch.setattr(os, "sched_rr_get_interval", lambda thread: 0.008)
    return attrs


def of(attr: sched_attr) -> tuple[int, ...]:
    """The fields that are changed."""
    return (attr.sched_policy, attr.sched_priority, attr.sched_nice, attr.sched_runtime)


def test_threads_are_real_time_threads_for_a_while(threads: dict[int, sched_attr]) -> None:
    """Afterwards all is as it was, also after an exception."""
    with suppress(KeyError), scheduled({1: FIFO, 2: ROUND_ROBIN}):
        during = [*map(of, threads.values())]
        raise KeyError

    assert during == [(os.SCHED_FIFO, 2, 0, 0), (os.SCHED_RR, 1, 0, 0)]
    assert [*map(of, threads.values())] == [(0, 0, 3, 5), (0, 0, 4, 0)]


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(
    ("policies", "words"),
    [
        pytest.param((FIFO, FIFO), "SCHED_FIFO 2", id="fifo"),
        pytest.param((ROUND_ROBIN, FIFO), "SCHED_FIFO 2, SCHED_RR with 8 ms", id="both"),
    ],
)
def test_the_words_name_each_policy_once(
    policies: tuple[RealTime, RealTime], words: str
) -> None:
    """A time slice is the one that the kernel reports."""
    with scheduled(dict(enumerate(policies, 1))) as in_words:
        assert in_words == words


def test_a_policy_is_changed_by_the_calls_of_this_kernel() -> None:
    """An unprivileged thread may become one of SCHED_BATCH."""
    thread = threading.get_native_id()
    before, batch = get_attr(thread), get_attr(thread)
    batch.sched_policy, batch.sched_runtime = os.SCHED_BATCH, 0
    set_attr(thread, batch)
    during = get_attr(thread).sched_policy
    set_attr(thread, before)

    assert (during, get_attr(thread).sched_policy) == (os.SCHED_BATCH, before.sched_policy)


def test_a_refusal_of_the_kernel_is_a_sentence() -> None:
    """There is no thread with that number."""
    with pytest.raises(UnavailableError, match="cannot be changed: No such process"):
        get_attr(HIGHEST_PID)
