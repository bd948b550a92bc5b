"""On a near-exact clock threads are real-time threads, and `send` has a slice of its own."""

from __future__ import annotations

import os
from collections.abc import Callable

import attrs
import pytest

from pvbench.delivery import Task
from pvbench_deliver_kvm.measure.raw_result import RawResult
from pvbench_deliver_kvm.vmm.scheduling import RealTime
from support.kvm_fakes import FakeGuest
from support.kvm_raw import burst, handled, raw_result, task_of


@pytest.fixture
def fake() -> FakeGuest:
    """A guest whose `send` is shorter in slices in which no thread is preempted."""
    return FakeGuest()


def answer(fake: FakeGuest, monkeypatch: pytest.MonkeyPatch, alone: RawResult) -> None:
    """Let slices of the fewest loops report *alone*."""
    result: Callable[[], RawResult] = fake.result

    def of_last() -> RawResult:
        return alone if fake.slices[-1][0] == 6 else result()

    monkeypatch.setattr(type(fake), "result", lambda guest: of_last())


ALONE = raw_result(
    samples={"send": [40] * 5, "irqoff": [7] * 5, "deliver": [1], "ack": [2], "wall": [3]},
    icr_writes=6,
)


SENDER, TARGET = RealTime(os.SCHED_FIFO, 1), RealTime(os.SCHED_FIFO, 2)


def test_send_and_irqoff_are_those_of_a_slice_without_preemption(
    fake: FakeGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else is that of the slice before it."""
    answer(fake, monkeypatch, ALONE)
    loaded = fake.booted(near_exact=True).load(task_of())
    before = len(fake.slices)
    result = loaded.run(loops=10, warmup=3)
    medians = {name: series.median for name, series in result.distributions.items()}

    assert [loops for loops, *_ in fake.slices[before:]] == [3, 10, 6]
    assert medians == {"send": 40, "irqoff": 7, "deliver": 150, "ack": 200, "wall": 250}
    assert result.counts.icr_writes == 10


def test_each_target_preempts_the_sender_except_where_send_is_measured(fake: FakeGuest) -> None:
    """Only CPU 0 sends; in its slice of `send` all threads have one priority, in turn."""
    loaded = fake.booted(near_exact=True).load(task_of(burst(0, 1, 2)))
    before = len(fake.slices)
    result = loaded.run(loops=10, warmup=3)
    preempted = [SENDER, TARGET, TARGET, TARGET]

    assert fake.policies == {
        before: preempted,
        before + 1: preempted,
        before + 2: [RealTime(os.SCHED_RR, 1)] * 4,
    }
    policies = (result.facts["scheduling"], result.facts["send_scheduling"])
    assert policies == ("policy 0", "policy 2")


@pytest.mark.parametrize(
    ("near_exact", "task"),
    [
        pytest.param(False, task_of(), id="noisy-clock"),
        pytest.param(True, task_of(burst(0, 1), burst(2, 3)), id="two-sources"),
        pytest.param(True, task_of(target_state="running"), id="running-targets"),
        pytest.param(True, task_of(burst(0, 0)), id="only-itself"),
        pytest.param(True, task_of(burst(0, 1), reached=((),), lossy=True), id="nothing"),
    ],
)
def test_a_task_that_wakes_no_thread_needs_no_real_time_threads(
    fake: FakeGuest, near_exact: bool, task: Task
) -> None:
    """Nor does one of several sources, which run at the same time."""
    result = fake.booted(near_exact=near_exact).load(task).run(loops=10, warmup=0)

    assert fake.policies == {}
    assert "scheduling" not in result.facts


def test_a_spoilt_send_slice_is_repeated_and_then_a_fault_of_the_host(
    fake: FakeGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is repeated three times, as any slice."""
    spoilt = attrs.evolve(ALONE, handled=handled(0, 10, 0, 0, impossible=(0, 1, 0, 0)))
    answer(fake, monkeypatch, spoilt)
    loaded = fake.booted(near_exact=True).load(task_of())
    before = len(fake.slices)
    result = loaded.run(loops=10, warmup=0)

    assert [loops for loops, *_ in fake.slices[before:]] == [10, 6, 6, 6, 6]
    assert len(result.host_faults) == 1
    assert result.facts["repeated_slices"] == 3


def test_a_source_that_stops_in_its_send_slice_is_a_fault(
    fake: FakeGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence is that of the guest."""
    answer(fake, monkeypatch, attrs.evolve(ALONE, troubles=("CPU 1 never acknowledged",)))
    result = fake.booted(near_exact=True).load(task_of()).run(loops=10, warmup=0)

    assert result.faults == ("CPU 1 never acknowledged",)
