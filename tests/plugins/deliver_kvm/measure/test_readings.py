"""KVM's counters and the scheduler's, before and after a slice."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench_deliver_kvm.measure.readings import Readings, thread_times


def of(
    *counters: dict[str, int], ran: tuple[int, ...] = (), waited: tuple[int, ...] = ()
) -> Readings:
    """Readings of as many CPUs."""
    return Readings(counters=[*counters], ran_ns=[*ran], waited_ns=[*waited])


AMOUNT = st.integers(0, 2**63)
CPU = st.fixed_dictionaries({"exits": AMOUNT, "halt_wakeup": AMOUNT})


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Readings, Readings]:
    """Readings before a slice, and the change in it."""
    cpus = draw(st.integers(0, 4))

    def random_readings() -> Readings:
        times = draw(st.lists(st.tuples(AMOUNT, AMOUNT), min_size=cpus, max_size=cpus))
        counters = draw(st.lists(CPU, min_size=cpus, max_size=cpus))
        return of(*counters, ran=tuple(r for r, _ in times), waited=tuple(w for _, w in times))

    return random_readings(), random_readings()


def sum_of(first: Readings, second: Readings) -> Readings:
    """Number by number."""
    return Readings(
        counters=[
            {name: a[name] + b[name] for name in a}
            for a, b in zip(first.counters, second.counters, strict=True)
        ],
        ran_ns=[a + b for a, b in zip(first.ran_ns, second.ran_ns, strict=True)],
        waited_ns=[a + b for a, b in zip(first.waited_ns, second.waited_ns, strict=True)],
    )


@given(pairs())
def test_a_change_is_the_difference_of_two_readings(pair: tuple[Readings, Readings]) -> None:
    """Each counter of each CPU has its own difference."""
    before, added = pair

    assert sum_of(before, added).since(before) == added


def test_readings_of_different_guests_cannot_be_subtracted() -> None:
    """One has three CPUs, the other two."""
    with pytest.raises(ValueError, match="zip"):
        of({}, {}, {}).since(of({}, {}))


@pytest.mark.parametrize(
    ("ran", "waited", "share"),
    [
        pytest.param(75, 25, 0.25, id="a-quarter"),
        pytest.param(10, 0, 0.0, id="never-waited"),
        pytest.param(0, 10, 1.0, id="never-ran"),
        pytest.param(0, 0, None, id="slept"),
    ],
)
def test_a_delay_is_the_part_of_its_time_that_a_thread_waited(
    ran: int, waited: int, share: float | None
) -> None:
    """A sleeping thread does not wait."""
    assert of(ran=(ran, 1), waited=(waited, 0)).delays == [share, 0]


@pytest.mark.parametrize(
    ("cpus", "total"),
    [
        pytest.param((0, 1, 2), 7, id="all"),
        pytest.param({2}, 4, id="one"),
        pytest.param((), 0, id="none"),
    ],
)
def test_a_total_is_the_sum_over_the_given_cpus(cpus: Any, total: int) -> None:
    """The CPUs are the sources or the targets."""
    change = of({"exits": 1}, {"exits": 2}, {"exits": 4})

    assert change.total("exits", cpus) == total


@pytest.mark.parametrize("change", [of(), of({"exits": 1})], ids=["no-counters", "others"])
def test_a_counter_that_kvm_lacks_is_unknown(change: Readings) -> None:
    """It is not 0."""
    assert change.total("hypercalls", (0,)) is None


def test_readings_are_taken_of_every_vcpu(tmp_path: Path) -> None:
    """A reading has its counters, and the times of its thread."""
    for thread in (70, 80):
        write_schedstat(tmp_path, thread, f"{thread} {thread + 1} 5\n")
    vm: Any = SimpleNamespace(
        counters=[SimpleNamespace(read=lambda n=n: {"exits": n}) for n in (5, 6)],
        threads=[SimpleNamespace(native_id=n) for n in (70, 80)],
    )

    readings = Readings.take(vm, tmp_path)

    assert readings == of({"exits": 5}, {"exits": 6}, ran=(70, 80), waited=(71, 81))


def write_schedstat(tasks: Path, thread: int, text: str) -> None:
    """Write the schedstat file of a thread."""
    (tasks / str(thread)).mkdir()
    (tasks / str(thread) / "schedstat").write_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("700 30 5\n", (700, 30), id="run-and-waited"),
        pytest.param("700 30\n", (0, 0), id="too-few"),
        pytest.param("", (0, 0), id="empty"),
    ],
)
def test_the_scheduler_keeps_two_times_of_a_thread(
    tmp_path: Path, text: str, expected: tuple[int, int]
) -> None:
    """See Documentation/scheduler/sched-stats.rst; an unreadable file gives zeros."""
    write_schedstat(tmp_path, 77, text)

    assert thread_times(77, tmp_path) == expected
    assert thread_times(78, tmp_path) == (0, 0)


def test_the_scheduler_knows_this_thread_and_no_unknown_one() -> None:
    """If this kernel keeps such times."""
    ran, _ = thread_times(threading.get_native_id())

    assert (ran > 0) == Path("/proc/self/schedstat").exists()
    assert thread_times(None) == (0, 0)
