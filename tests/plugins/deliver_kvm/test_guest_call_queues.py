"""The guest's call queues: an empty queue needs an interrupt, and no call is lost."""

from __future__ import annotations

from ctypes import CDLL, byref, c_uint32, c_uint64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvbench_deliver_kvm.vmm import mailbox
from support.guest_native import GUEST, TESTS, built

SOURCES, CPUS = 4, 64
TAKER = SOURCES  # in place of a source, as an intruder
LONG_TICKS = 1 << 34  # seconds, on any machine

Step = tuple[int, list[int]]  # a source and its targets; below 0 a target takes


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> CDLL:
    """source.c and target.c, compiled for this machine."""
    native = TESTS / "guest_native"
    sources = [
        native / "call_queues.c",
        native / "record_ops.c",
        *sorted(GUEST.glob("senders/*.c")),
    ]
    output = tmp_path_factory.mktemp("library") / "call_queues.so"
    options = ("-O2", "-shared", "-fPIC", "-pthread", "-fno-strict-aliasing")
    library = CDLL(str(built(output, *options, *sources)))
    for function in (library.queue_burst, library.take, library.all_at_once):
        function.restype = c_uint64
    library.start_over.argtypes = [c_uint64]
    return library


def queue(library: CDLL, source: int, targets: list[int], generation: int) -> tuple[int, int]:
    """(CPUs an interrupt is due for, as bits; trouble)."""
    trouble = c_uint32()
    cpus = (c_uint32 * len(targets))(*targets)
    due = library.queue_burst(source, cpus, len(targets), c_uint64(generation), byref(trouble))
    return due, trouble.value


cpus = st.integers(0, CPUS - 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.integers(0, SOURCES - 1), st.lists(cpus, max_size=6, unique=True)),
        st.tuples(st.just(-1), st.lists(cpus, min_size=1, max_size=3)),
    ),
    max_size=40,
)


@given(steps)
def test_an_interrupt_is_due_where_a_queue_was_empty(library: CDLL, steps: list[Step]) -> None:
    """llist_add() and csd_lock(), against lists of Python."""
    library.start_over(LONG_TICKS)
    waiting: dict[int, list[int]] = {cpu: [] for cpu in range(CPUS)}
    for generation, (source, cpus) in enumerate(steps, start=1):
        if source < 0:
            entries = [(cpu, waiting.pop(cpu, [])) for cpu in dict.fromkeys(cpus)]
            assert [library.take(cpu) for cpu, _ in entries] == [len(had) for _, had in entries]
            waiting |= {cpu: [] for cpu, _ in entries}
            continue
        free = sorted(cpu for cpu in cpus if source not in waiting[cpu])
        due = {cpu for cpu in free if not waiting[cpu]}
        assert queue(library, source, free, generation) == (sum(1 << cpu for cpu in due), 0)
        for cpu in free:
            waiting[cpu].append(source)


def test_an_entry_that_is_not_taken_is_waited_for_and_named(library: CDLL) -> None:
    """The source stops; the list stays whole."""
    library.start_over(1000)
    first = queue(library, 0, [3], 1)
    second = queue(library, 0, [3], 2)

    assert first == (1 << 3, 0)
    assert second == (0, mailbox.TROUBLE_CSD_BUSY)
    assert (library.take(3), library.take(3)) == (1, 0)


@pytest.mark.parametrize(
    ("waiting", "intruder", "due", "remaining"),
    [
        pytest.param([], 1, (0, 1), 2, id="another-is-first"),
        pytest.param([2], 1, (0, 0), 3, id="another-is-second"),
        pytest.param([2], TAKER, (1, 0), 1, id="the-target-takes"),
        pytest.param([2, 3], TAKER, (1, 0), 1, id="the-target-takes-two"),
    ],
)
def test_a_concurrent_change_of_a_queue_loses_no_call(
    library: CDLL, waiting: list[int], intruder: int, due: tuple[int, int], remaining: int
) -> None:
    """Another CPU changes the queue of CPU 0 between the read and the exchange."""
    library.start_over(LONG_TICKS)
    for source in waiting:
        queue(library, source, [0], 1)
    library.intrude(intruder)

    assert queue(library, 0, [0], 1) == (due[0], 0)
    assert library.was_due() == due[1]
    assert library.take(0) == remaining


def test_a_function_without_its_lock_leaves_no_receipt(library: CDLL) -> None:
    """It never ends: the entry stays locked."""
    library.start_over(1000)
    queue(library, 0, [3], 1)
    library.hold_lock()

    assert library.take(3) == 1
    assert queue(library, 0, [3], 2) == (0, mailbox.TROUBLE_CSD_BUSY)


@pytest.mark.parametrize(("sources", "targets"), [(2, 1), (2, 3), (4, 2)])
def test_sources_at_once_lose_nothing(library: CDLL, sources: int, targets: int) -> None:
    """Each function runs once, by an interrupt of the source that found the list empty."""
    loops = 200
    library.start_over(LONG_TICKS)
    sent, taken, functions = c_uint64(), c_uint64(), c_uint64()
    finished = library.all_at_once(
        sources, targets, loops, byref(sent), byref(taken), byref(functions)
    )

    assert (finished, functions.value) == (sources * loops, sources * loops * targets)
    assert loops * targets <= taken.value <= sent.value <= functions.value
