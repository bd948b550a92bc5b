"""The scheduling of threads is changed for a while, by the calls of this kernel."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

import pytest

from pvbench.errors import UnavailableError
from pvbench_deliver_kvm.vmm import scheduling
from pvbench_deliver_kvm.vmm.scheduling import get_attr, sched_attr, uninterrupted

HIGHEST_PID = 1 << 22


def policy_of(thread: int) -> tuple[int, int]:
    """The policy and the nice value."""
    attr = get_attr(thread)
    return attr.sched_policy, attr.sched_nice


def test_threads_are_batch_for_a_while() -> None:
    """Their nice value stays, and afterwards all is as it was, also after an exception."""
    thread = threading.get_native_id()
    before = policy_of(thread)
    with suppress(KeyError), uninterrupted([thread]) as words:
        during = policy_of(thread)
        has_slice = get_attr(thread).sched_runtime == scheduling.SLICE_NS
        raise KeyError

    assert during == (os.SCHED_BATCH, before[1])
    assert policy_of(thread) == before
    assert words == ("SCHED_BATCH, slice of 5 ms" if has_slice else "SCHED_BATCH")


@pytest.mark.parametrize(
    ("runtimes", "words"),
    [
        pytest.param((5_000_000, 5_000_000), "SCHED_BATCH, slice of 5 ms", id="since-6.12"),
        pytest.param((0, 0), "SCHED_BATCH", id="before"),
        pytest.param((5_000_000, 3_000_000), "SCHED_BATCH", id="one-differs"),
    ],
)
def test_the_words_say_whether_the_kernel_has_taken_the_slice(
    monkeypatch: pytest.MonkeyPatch, runtimes: tuple[int, int], words: str
) -> None:
    """A kernel before 6.12 reports no slice of a thread."""
    attrs = {1: sched_attr(sched_nice=3), 2: sched_attr(sched_nice=4)}

    def put(thread: int, attr: sched_attr) -> None:
        attrs[thread] = sched_attr.from_buffer_copy(attr)
        if attr.sched_runtime:
            attrs[thread].sched_runtime = runtimes[thread - 1]

    monkeypatch.setattr(scheduling, "get_attr", attrs.__getitem__)
    monkeypatch.setattr(scheduling, "set_attr", put)
    with uninterrupted([1, 2]) as policy:
        during = [(attr.sched_policy, attr.sched_nice) for attr in attrs.values()]

    assert (during, policy) == ([(os.SCHED_BATCH, 3), (os.SCHED_BATCH, 4)], words)
    assert [(attr.sched_policy, attr.sched_nice) for attr in attrs.values()] == [(0, 3), (0, 4)]


def test_a_refusal_of_the_kernel_is_a_sentence() -> None:
    """There is no thread with that number."""
    with pytest.raises(UnavailableError, match="cannot be changed: No such process"):
        get_attr(HIGHEST_PID)
