"""
The meaning of the events of a trace: from `Lines` to columns of numbers.

Source: Linux, include/trace/events/ipi.h and csd.h, arch/x86/include/asm/trace/
irq_vectors.h.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.errors import UsageError
from pvbench.recording.bursts import ONE_TARGET_SITES, Call
from pvbench.recording.masks import check_cpu, mask_of
from pvbench.recording.reader import Lines, Reader
from pvbench.recording.sets import CpuSets, of_masks
from pvbench.text import one_line

NO_CPU: Final = -1
WANTED: Final = "csd_queue_cpu"
SENT_CALLBACK: Final = "generic_smp_call_function_single_interrupt"
_IRQ_WORK: Final = "irq_work_"  # kernel/irq_work.c, irq_work_raise()
_RESCHEDULE: Final = ("0x0", "(nil)", "0x0000000000000000", "")
# Functions that are always called for one CPU, known where the callsite is not.
_ONE_TARGET_FUNCTIONS: Final = ("sched_ttwu_pending", "nohz_csd_func", "nohz_full_kick_func")

_SEND: Final = re.compile(r"(cpu|cpumask)=(\S+) callsite=(.*?) callback=(.*)")
_CSD: Final = re.compile(r"cpu=([0-9]{1,9}) callsite=(.*?) func=(.*?) csd=.*")
_ENTRY: Final = re.compile(r"vector=([0-9]{1,3})")


class Row(NamedTuple):
    """A send or a wanted call: its targets as a mask, and what it has in common."""

    mask: int
    call: Call
    wanted: bool


class Entry(NamedTuple):
    """An interrupt that a CPU received."""

    vector: int


class HostEvent(NamedTuple):
    """An event of a host: its name and its fields."""

    name: str
    fields: str


Meaning = Row | Entry | HostEvent


@attrs.frozen(kw_only=True, eq=False)
class Batch:
    """
    The events of a stretch of text, as numbers.

    Args:
        time: of each row, in nanoseconds or ticks; empty if the trace has none.
        cpu: the CPU of each row.
        targets: index into *sets* of each row.
        call: index into *calls* of each row.
        count: of each row; empty if 1.
        calls: the calls, and whether each is a wanted one.
        received: how many interrupts by vector and CPU.
        host: time, CPU, task and event of each event of a host.
        clock: ``ns``, ``ticks`` or ``none``; empty if there is no event.
        events: number of events by name.
        notices: see `Lines`.
        total: the number of lines.
    """

    time: npt.NDArray[np.int64]
    cpu: npt.NDArray[np.int32]
    targets: npt.NDArray[np.int64]
    call: npt.NDArray[np.int32]
    count: npt.NDArray[np.int64]
    sets: CpuSets
    calls: tuple[tuple[Call, bool], ...]
    received: Counter[tuple[int, int]]
    host: tuple[tuple[int, int, str, HostEvent], ...]
    clock: str
    events: Counter[str]
    notices: tuple[tuple[str, tuple[bytes, ...]], ...]
    total: int


def batch_of(reader: Reader, masks: str, block: bytes) -> Batch:
    """
    The events of a *block* of whole lines.

    Raises:
        UsageError: an event cannot be read.
    """
    assert reader.parse is not None  # noqa: S101 - a reader of binary files prints text
    lines = reader.parse(block)
    if lines.unread:
        raise UsageError(
            f"{one_line(_text(lines.unread[0]))!r} is not a line of {reader.name}",
            why="the line is damaged, or the trace mixes the texts of two producers",
            fix="Remove the line if it is damaged; import each producer's text alone.",
        )
    return _batch(lines, masks or reader.masks, reader.unit)


def _text(content: bytes) -> str:
    return content.decode(errors="replace")


def _batch(lines: Lines, masks: str, unit: str) -> Batch:
    codes: dict[bytes, int] = _Codes()
    code = np.array(list(map(codes.__getitem__, lines.messages)), np.int32)
    meanings = [_meaning(_text(message), masks) for message in codes]
    time, clock = _times(lines.times, unit)
    cpu = _cpus(lines.cpus, len(code))
    count = np.array(lines.counts, np.int64)
    is_row = np.array([isinstance(m, Row) for m in meanings], np.bool_)
    place = np.flatnonzero(is_row[code]) if len(code) else np.zeros(0, np.intp)
    if len(place) and (cpu[place] == NO_CPU).any():
        raise UsageError(
            "the trace does not show which CPU sends",
            why="its lines have no CPU",
            fix="Print the trace with CPUs: perf script, not perf trace; trace-cmd report.",
        )
    sets, calls, targets, call = _tables(meanings)
    return Batch(
        time=time[place] if len(time) else time,
        cpu=cpu[place],
        targets=targets[code[place]],
        call=call[code[place]],
        count=count[place] if len(count) else count,
        sets=sets,
        calls=calls,
        received=_received(meanings, code, cpu),
        host=tuple(_host(meanings, code, time, cpu, lines.tasks)),
        clock=clock if lines.messages else "",
        events=_events(codes, code, count),
        notices=tuple(lines.notices),
        total=lines.total,
    )


class _Codes(dict[bytes, int]):
    """Numbers of distinct messages, in the order in which they occur first."""

    def __missing__(self, message: bytes) -> int:
        self[message] = code = len(self)
        return code


def _meaning(message: str, masks: str) -> Meaning:
    name, _, fields = message.partition(":")
    fields = fields.removesuffix("*/").strip()
    if name == WANTED:
        return _wanted(fields)
    if name.startswith("ipi_send"):
        return _sent(fields, masks)
    if name.startswith("kvm_"):
        return HostEvent(name, fields)
    match = _ENTRY.fullmatch(fields)
    if match is None or int(match[1]) > 0xFF:
        raise _unreadable(message)
    return Entry(int(match[1]))


def _unreadable(message: str) -> UsageError:
    return UsageError(
        f"{one_line(message)!r} cannot be read",
        why="its fields are not those of the event",
        fix="Print the trace again; remove the line if it is damaged.",
    )


def _wanted(fields: str) -> Row:
    match = _CSD.fullmatch(fields)
    if match is None:
        raise _unreadable(f"{WANTED}: {fields}")
    cpu, site, function = int(match[1]), symbol(match[2]), symbol(match[3])
    check_cpu(cpu)
    name = site.partition("+")[0]
    one = name in ONE_TARGET_SITES or function.partition("+")[0] in _ONE_TARGET_FUNCTIONS
    call = Call(kind="single" if one else "many", callsite=site, function=function)
    return Row(1 << cpu, call, wanted=True)


def _sent(fields: str, masks: str) -> Row:
    match = _SEND.fullmatch(fields)
    if match is None:
        raise _unreadable(f"ipi_send: {fields}")
    event, targets, site, callback = match.groups()
    mask = mask_of(targets, masks) if event == "cpumask" else _one(targets)
    return Row(mask, _call(event, site, callback), wanted=False)


@lru_cache(maxsize=1 << 12)
def _call(event: str, callsite: str, callback: str) -> Call:
    site, function = symbol(callsite), symbol(callback)
    return Call(
        kind=_kind(event, site, function),
        callsite=site,
        function=function,
        one_target=event == "cpu",
    )


def _one(cpu: str) -> int:
    if not (cpu.isascii() and cpu.isdigit() and len(cpu) < 10):
        raise _unreadable(f"ipi_send_cpu: cpu={cpu}")
    check_cpu(int(cpu))
    return 1 << int(cpu)


def symbol(text: str) -> str:
    """A symbol without its size and its module, as `trace-cmd report` prints it."""
    return one_line(text.partition(" ")[0].partition("/")[0])


def _kind(event: str, site: str, function: str) -> str:
    """See `Call`; Linux 6.4 has events of queued calls with the function itself."""
    name = function.partition("+")[0]
    if site.startswith(_IRQ_WORK):
        return "irq work"
    if function in _RESCHEDULE:
        return "reschedule"
    if name not in (SENT_CALLBACK, "unknown") and not name.startswith("0x"):
        return "queued"
    if event == "cpumask":
        return "many"
    named = not site.startswith("0x") and site.partition("+")[0] not in _UNNAMED
    return "many" if named and site.partition("+")[0] not in ONE_TARGET_SITES else "single"


_UNNAMED: Final = ("return_to_handler", "unknown")


def _tables(
    meanings: Sequence[Meaning],
) -> tuple[
    CpuSets, tuple[tuple[Call, bool], ...], npt.NDArray[np.int64], npt.NDArray[np.int32]
]:
    """The distinct masks and calls, and those of each meaning that has them."""
    masks: dict[int, int] = {}
    calls: dict[tuple[Call, bool], int] = {}
    targets = np.zeros(len(meanings), np.int64)
    call = np.zeros(len(meanings), np.int32)
    for number, meaning in enumerate(meanings):
        if isinstance(meaning, Row):
            targets[number] = masks.setdefault(meaning.mask, len(masks))
            call[number] = calls.setdefault((meaning.call, meaning.wanted), len(calls))
    return of_masks(tuple(masks)), tuple(calls), targets, call


def _received(
    meanings: Sequence[Meaning], code: npt.NDArray[np.int32], cpu: npt.NDArray[np.int32]
) -> Counter[tuple[int, int]]:
    received: Counter[tuple[int, int]] = Counter()
    vector = np.array([m.vector if isinstance(m, Entry) else -1 for m in meanings], np.int32)
    for one in sorted({*vector.tolist()} - {-1}):
        cpus, counts = np.unique(cpu[vector[code] == one], return_counts=True)
        for number, count in zip(cpus.tolist(), counts.tolist(), strict=True):
            received[one, number] = count
    return received


def _host(
    meanings: Sequence[Meaning],
    code: npt.NDArray[np.int32],
    time: npt.NDArray[np.int64],
    cpu: npt.NDArray[np.int32],
    tasks: Sequence[bytes],
) -> Iterable[tuple[int, int, str, HostEvent]]:
    if not any(isinstance(meaning, HostEvent) for meaning in meanings):
        return
    for number, one in enumerate(code.tolist()):
        meaning = meanings[one]
        if isinstance(meaning, HostEvent):
            task = _text(tasks[number]).strip() if tasks else ""
            yield int(time[number]) if len(time) else 0, int(cpu[number]), task, meaning


def _events(
    codes: dict[bytes, int], code: npt.NDArray[np.int32], count: npt.NDArray[np.int64]
) -> Counter[str]:
    weights = np.bincount(code, count if len(count) else None, minlength=len(codes))
    events: Counter[str] = Counter()
    for message, weight in zip(codes, weights.tolist(), strict=True):
        events[_text(message.partition(b":")[0])] += int(weight)
    return events


def _numbers(texts: Iterable[bytes]) -> npt.NDArray[np.int64]:
    """Decimal numbers; numpy reads them faster than int()."""
    return np.fromstring(b" ".join(texts), np.int64, sep=" ")


def _cpus(texts: Sequence[bytes], events: int) -> npt.NDArray[np.int32]:
    if not texts:
        return np.full(events, NO_CPU, np.int32)
    if not all(texts):  # a line may lack it
        texts = [one or b"-1" for one in texts]
    cpus = _numbers(texts)
    check_cpu(int(cpus.max(initial=0)))
    return cpus.astype(np.int32)


def _times(texts: Sequence[bytes], unit: str) -> tuple[npt.NDArray[np.int64], str]:
    """Times in nanoseconds, or in ticks of the clock, and which of them."""
    if not texts or not all(texts):
        return np.zeros(0, np.int64), "none"
    text = b" ".join(texts)
    digits = _decimals(text, len(texts))
    if len(digits) > 1:
        raise UsageError(
            "the trace has times of different forms",
            why="it mixes clocks or the texts of two producers",
            fix="Import each of them alone.",
        )
    decimals = digits.pop()
    if decimals == -1:
        scale = 1000 if unit == "us" else 1
        return np.fromstring(text, np.int64, sep=" ") * scale, "ns" if unit == "us" else "ticks"
    values = np.fromstring(text.replace(b".", b""), np.int64, sep=" ")
    return values * 10 ** (9 - decimals), "ns"


def _decimals(text: bytes, times: int) -> set[int]:
    """The numbers of digits behind the points of times in *text*; -1 for one without."""
    characters = np.frombuffer(text + b" ", np.uint8)
    ends = np.flatnonzero(characters == ord(" "))
    points = np.flatnonzero(characters == ord("."))
    if len(points) != times:
        return {-1} if not len(points) else {-1, 0}
    return {*np.unique(ends - points - 1).tolist()}
