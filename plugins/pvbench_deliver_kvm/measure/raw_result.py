"""The raw results of a slice, read from guest memory."""

from __future__ import annotations

import struct
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from ctypes import sizeof
from typing import Final

import attrs

from pvbench.slice_result import PartialSend
from pvbench_deliver_kvm.vmm import mailbox
from pvbench_deliver_kvm.vmm.faults import exception_name
from pvbench_deliver_kvm.vmm.guest_memory import GuestMemory

SERIES: Final = ("send", "irqoff", "deliver", "ack", "wall")


@attrs.frozen(kw_only=True)
class Handled:
    """
    The work of the interrupt handlers in a slice, by CPU number.

    Args:
        runs: handler runs for the vectors of the task.
        functions: requests that were taken from call queues.
        unexpected: handler runs for any other vector.
        impossible: interrupts that came while interrupts were off.
    """

    runs: tuple[int, ...]
    functions: tuple[int, ...]
    unexpected: tuple[int, ...]
    impossible: tuple[int, ...]


@attrs.frozen(kw_only=True)
class RawResult:
    """
    The data that the guest recorded in a slice.

    Args:
        samples: ticks of single bursts, by series.
        span_ticks: from the first source's start to the last source's end.
        troubles: a sentence for each source that stopped early.
    """

    samples: dict[str, list[int]]
    handled: Handled
    partial: tuple[PartialSend, ...]
    icr_writes: int
    hypercalls: int
    returned: int
    span_ticks: int
    troubles: tuple[str, ...]


@attrs.frozen
class HandlerCounts:
    """The handler runs of a CPU since the boot by vector, and its other counts."""

    runs: array[int]
    functions: int
    impossible: int

    @classmethod
    def read(cls, cpu: mailbox.Cpu) -> HandlerCounts:
        """Read the counts as they are now."""
        return cls(array("I", bytes(cpu.runs)), cpu.functions, cpu.impossible)


def handled(
    before: Iterable[HandlerCounts],
    after: Iterable[HandlerCounts],
    *,
    vectors: set[int],
    start_vector: int,
) -> Handled:
    """The change between two readings of all CPUs; *start_vector* is the host's own."""
    runs, functions, unexpected, impossible = [], [], [], []
    for old, new in zip(before, after, strict=True):
        expected = sum(new.runs[vector] - old.runs[vector] for vector in vectors)
        started = new.runs[start_vector] - old.runs[start_vector]
        runs.append(expected)
        unexpected.append(sum(new.runs) - sum(old.runs) - expected - started)
        functions.append(new.functions - old.functions)
        impossible.append(new.impossible - old.impossible)
    return Handled(
        runs=tuple(runs),
        functions=tuple(functions),
        unexpected=tuple(unexpected),
        impossible=tuple(impossible),
    )


def samples(memory: GuestMemory, sources: list[mailbox.Source]) -> dict[str, list[int]]:
    """
    Ticks of the bursts by series; a time that the guest did not take is left out.

    The first burst of a source is left out too, unless it is the only one.  During it the
    host's thread that gave the command goes to sleep, on a CPU that the guest may need.
    """
    rows = [row for source in sources for row in _timed_rows(memory, source)]
    return {
        name: [row[column] for row in rows if row[column]] for column, name in enumerate(SERIES)
    }


def _timed_rows(memory: GuestMemory, source: mailbox.Source) -> list[tuple[int, ...]]:
    rows = [*_rows(memory, source)]
    return rows[1:] or rows


def _rows(memory: GuestMemory, source: mailbox.Source) -> Iterator[tuple[int, ...]]:
    data = memory.read(source.samples, source.done * sizeof(mailbox.Sample))
    return struct.iter_unpack("<5Q", data)


def partial_sends(
    memory: GuestMemory, burst: int, source: mailbox.Source, full: bytes
) -> Iterator[PartialSend]:
    """Bursts that were sent to other CPUs than the bitmap *full* has, and how often."""
    size = len(full)
    data = memory.read(source.partial, source.done * size)
    masks = Counter(data[offset : offset + size] for offset in range(0, len(data), size))
    masks.pop(full, None)
    for mask, times in sorted(masks.items()):
        bits = int.from_bytes(mask, "little")
        cpus = [cpu for cpu in range(8 * size) if bits >> cpu & 1]
        yield PartialSend(burst=burst, cpus=cpus, times=times)


def trouble(source: mailbox.Source) -> str:
    """A sentence if the source stopped early, else an empty string."""
    where, burst = source.where, source.done + 1
    op, vector = where & 0xFF_FFFF, where >> 24
    sentence = {
        mailbox.TROUBLE_NONE: "",
        mailbox.TROUBLE_OP_FAULT: f"op {op} raised {exception_name(vector)}",
        mailbox.TROUBLE_NO_ACK: f"CPU {where} never acknowledged",
        mailbox.TROUBLE_CSD_BUSY: f"CPU {where} never took the entry of an earlier burst",
        mailbox.TROUBLE_NOT_IDLE: f"CPU {where} never became idle",
        mailbox.TROUBLE_ALONE: f"only {where} sources were ready",
        mailbox.TROUBLE_RECORD_FULL: "the guest's algorithm made more ops than it should",
    }[source.trouble]
    return sentence and f"{sentence} (burst {burst} of CPU {source.cpu})"
