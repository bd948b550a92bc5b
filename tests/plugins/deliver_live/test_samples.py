"""The calls that count as samples, tested with invented readings and without interrupts."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import attrs
import pytest

from pvbench.errors import UnavailableError
from pvbench.run.proof import differences
from pvbench.slice_result import SliceResult
from pvbench_deliver_live import membarrier, this_kernel
from pvbench_deliver_live.interrupts import Interrupts
from pvbench_deliver_live.spinners import spinning
from support.live import call, fake_machine, prepared_case

CPUS = (0, 1, 3)  # of the machine, for guest CPUs 0, 1 and 2


@pytest.fixture(autouse=True)
def needs_membarrier() -> None:
    """The calls are real, but they interrupt no CPU."""
    if reason := membarrier.why_unavailable():
        pytest.skip(reason)
    membarrier.register()


@attrs.frozen
class FakeInterrupts(Interrupts):
    """Readings of CPUs 0, 1 and 3, one after the other; the last one stays."""

    readings: Iterator[tuple[int, ...]]

    def calls(self) -> dict[int, int]:
        return dict(zip(CPUS, next(self.readings), strict=True))


def no_spinners(cpus: tuple[int, ...]) -> AbstractContextManager[None]:
    """Start no thread."""
    return nullcontext()


def run(
    *readings: tuple[int, ...], targets: tuple[int, ...] = (1, 2), loops: int
) -> SliceResult:
    """A slice that sees these readings, from CPU 0 to some targets."""
    interrupts = FakeInterrupts(Path("interrupts"), -1, iter(readings))
    kernel = this_kernel.ThisKernel(interrupts, CPUS, {}, no_spinners)
    return kernel.load(prepared_case(call(*targets)).task).run(loops=loops, warmup=1)


def test_a_call_is_a_sample_if_every_target_was_interrupted() -> None:
    """The readings show all targets, one of two, none, the source, others too, and all."""
    result = run(
        (0, 0, 0), (0, 1, 1), (0, 2, 1), (0, 2, 1), (9, 2, 1), (9, 3, 4), (9, 4, 5), loops=3
    )

    facts = {name: result.facts[name] for name in ("calls", "calls_without_ipi", "cal_rise")}
    assert facts == {"calls": 6, "calls_without_ipi": 3, "cal_rise": 8}
    assert (result.loops, result.counts.handlers) == (3, (0, 3, 3))
    assert {name: times.samples for name, times in result.distributions.items()} == {
        "ack": 3,
        "wall": 3,
    }


def test_a_slice_result_proves_the_mechanism_unless_it_is_changed() -> None:
    """Each send caused one handler run, on the targets only."""
    result, case = run((0, 0, 0), (0, 1, 1), (0, 2, 2), loops=2), prepared_case(call(1, 2))
    tampered = [
        attrs.evolve(result, counts=counts)
        for cpus in ((0, 1, 2), (0, 2, 3), (1, 2, 2))
        for counts in (
            attrs.evolve(result.counts, handlers=cpus),
            attrs.evolve(result.counts, functions=cpus),
        )
    ]

    assert differences(case, result) == []
    assert [t.counts for t in tampered if not differences(case, t)] == []


def test_times_are_those_of_the_samples() -> None:
    """A call that interrupted no CPU is faster and would bias the result."""
    result = run((0, 0, 0), (0, 0, 0), (0, 5, 5), loops=1)

    times = result.distributions["ack"]
    assert times == result.distributions["wall"]
    assert times.minimum == times.maximum == times.total > 0


def test_garbage_collection_is_off_while_calls_are_timed() -> None:
    """It stays off between a call and its reading."""
    collects: list[bool] = []

    def readings() -> Iterator[tuple[int, ...]]:
        for reading in ((0, 0, 0), (0, 1, 1)):
            collects.append(gc.isenabled())
            yield reading

    kernel = this_kernel.ThisKernel(
        FakeInterrupts(Path("interrupts"), -1, readings()), CPUS, {}, no_spinners
    )
    kernel.load(prepared_case(call(1, 2)).task).run(loops=1, warmup=1)

    assert (collects, gc.isenabled()) == ([False, False], True)


def test_an_empty_iteration_is_timed_without_a_call() -> None:
    """The time is the cost of timing itself; there is no acknowledgement and no reading."""
    kernel = this_kernel.ThisKernel(
        FakeInterrupts(Path("interrupts"), -1, iter(())), CPUS, {}, no_spinners
    )

    result = kernel.load(prepared_case().task).run(loops=5, warmup=1)

    assert list(result.distributions) == ["wall"]
    assert (result.distributions["wall"].samples, result.counts.handlers) == (5, (0, 0, 0))
    assert differences(prepared_case(), result) == []


def test_targets_that_do_not_run_end_the_slice(tmp_path: Path) -> None:
    """The slice ends after 20 calls per sample plus 1000, since no count rises."""
    expected = (
        r"the target thread on CPU 1 did not run often enough: 1100 of 1100 calls "
        r"sent it no IPI, so only 0 of 5 samples were taken\. .* what else runs on that CPU\."
    )
    with (
        this_kernel.booted(fake_machine(tmp_path), no_spinners) as kernel,
        pytest.raises(UnavailableError, match=expected),
    ):
        kernel.load(prepared_case(call(1, 2)).task).run(loops=5, warmup=1)


def test_a_cpu_that_does_not_exist_is_named() -> None:
    """No thread is leaked."""
    expected = "CPU 8191 cannot be used: Invalid argument"
    with pytest.raises(UnavailableError, match=expected), spinning((8191,)):
        pass


def test_an_error_of_the_call_is_raised() -> None:
    """A failed call gives no time."""
    with pytest.raises(OSError, match=r"membarrier\(2\)"):
        this_kernel.timed(lambda: -1)
