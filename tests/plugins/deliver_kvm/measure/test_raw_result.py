"""Raw results are read from guest memory that a test has written."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import closing
from ctypes import sizeof

import pytest

from pvbench.slice_result import PartialSend
from pvbench_deliver_kvm.measure import raw_result
from pvbench_deliver_kvm.measure.raw_result import Handled, HandlerCounts
from pvbench_deliver_kvm.vmm import layout, mailbox
from pvbench_deliver_kvm.vmm.guest_memory import GuestMemory

SENT, SINGLE, START, OTHER = 0xFB, 0xFC, 0x20, 0x77


@pytest.fixture
def memory() -> Iterator[GuestMemory]:
    """Of a guest that does not run."""
    with closing(GuestMemory()) as memory:
        yield memory


def source_of(memory: GuestMemory, number: int, **fields: int) -> mailbox.Source:
    """A source in guest memory."""
    source = memory.source(layout.FREE_BASE + number * sizeof(mailbox.Source))
    for name, value in fields.items():
        setattr(source, name, value)
    return source


def test_samples_of_all_sources_are_columns(memory: GuestMemory) -> None:
    """Only completed bursts count, and a time of 0 was not taken."""
    rows = ([9] * 5, [1, 0, 3, 4, 5], [9] * 5, [10, 20, 30, 40, 50], [7, 7, 7, 7, 7])
    place = layout.FREE_BASE + 0x1000
    memory.write(place, array("Q", [ticks for row in rows for ticks in row]).tobytes())
    size = sizeof(mailbox.Sample)
    sources = [
        source_of(memory, 0, samples=place, done=2),
        source_of(memory, 1, samples=place + 2 * size, done=2),
    ]

    assert raw_result.samples(memory, sources) == {
        "send": [1, 10],
        "irqoff": [20],
        "deliver": [3, 30],
        "ack": [4, 40],
        "wall": [5, 50],
    }


@pytest.mark.parametrize(
    ("done", "ticks"),
    [(0, []), (1, [1]), (2, [2]), (5, [2, 3, 4, 5])],
    ids=["none", "the-only-one", "two", "five"],
)
def test_the_first_burst_of_a_source_is_not_timed(
    memory: GuestMemory, done: int, ticks: list[int]
) -> None:
    """The thread of the host that gave the command goes to sleep during it."""
    place = layout.FREE_BASE + 0x1000
    rows = [number for number in (1, 2, 3, 4, 5) for _ in raw_result.SERIES]
    memory.write(place, array("Q", rows).tobytes())

    samples = raw_result.samples(memory, [source_of(memory, 0, samples=place, done=done)])

    assert samples == dict.fromkeys(raw_result.SERIES, ticks)


def counts(functions: int, impossible: int = 0, **runs: int) -> HandlerCounts:
    """Of one CPU; *runs* by the name of a vector."""
    by_vector = array("I", [0] * 256)
    for name, number in runs.items():
        by_vector[globals()[name]] = number
    return HandlerCounts(by_vector, functions, impossible)


def test_handler_runs_are_those_since_the_reading_before() -> None:
    """Runs for the vector that starts a CPU belong to the host."""
    before = [counts(5, SENT=3, OTHER=1), counts(0, impossible=2)]
    after = [
        counts(9, SENT=10, SINGLE=2, START=4, OTHER=4),
        counts(0, impossible=5, START=1),
    ]

    handled = raw_result.handled(before, after, vectors={SENT, SINGLE}, start_vector=START)

    assert handled == Handled(
        runs=(9, 0), functions=(4, 0), unexpected=(3, 0), impossible=(0, 3)
    )


def test_handler_counts_are_a_copy(memory: GuestMemory) -> None:
    """They stay as they were when the guest goes on."""
    cpu = memory.cpu(1)
    cpu.runs[SENT], cpu.functions, cpu.impossible = 4, 6, 8
    copy = HandlerCounts.read(cpu)
    cpu.runs[SENT] = 5

    assert (copy.runs[SENT], copy.functions, copy.impossible) == (4, 6, 8)


def test_partial_sends_are_counted_by_their_cpus(memory: GuestMemory) -> None:
    """A full send is not partial; one to CPUs 1 and 65 has a bit in each of two words."""
    full, one, two = (1 << 1 | 1 << 2, 1 << 2, 1 << 1 | 1 << 65)
    place = layout.FREE_BASE + 0x1000
    for number, mask in enumerate((full, one, two, one)):
        memory.write(place + 16 * number, mask.to_bytes(16, "little"))
    source = source_of(memory, 0, partial=place, done=4)

    sends = raw_result.partial_sends(memory, 3, source, full.to_bytes(16, "little"))

    assert sorted(sends, key=lambda send: send.times) == [
        PartialSend(burst=3, cpus=(1, 65), times=1),
        PartialSend(burst=3, cpus=(2,), times=2),
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, "", id="none"),
        pytest.param(
            {"trouble": mailbox.TROUBLE_OP_FAULT, "where": 13 << 24 | 2, "done": 4},
            "op 2 raised #GP (vector 13) (burst 5 of CPU 7)",
            id="fault",
        ),
        pytest.param(
            {"trouble": mailbox.TROUBLE_NO_ACK, "where": 3},
            "CPU 3 never acknowledged (burst 1 of CPU 7)",
            id="no-acknowledgement",
        ),
    ],
)
def test_a_source_that_stopped_early_has_a_sentence(
    memory: GuestMemory, fields: dict[str, int], expected: str
) -> None:
    """The sentence names the burst in which it stopped."""
    assert raw_result.trouble(source_of(memory, 0, cpu=7, **fields)) == expected
