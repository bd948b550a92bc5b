"""Batches to a recording: common tables, wanted bursts, losses and the checks of the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from pvbench.errors import NoSendError, UsageError
from pvbench.recording import host, sets, wanted
from pvbench.recording.bursts import Bursts, Call
from pvbench.recording.events import NO_CPU, Batch
from pvbench.recording.machine import Machine, machine_of
from pvbench.recording.notices import Notices
from pvbench.recording.reader import Reader
from pvbench.recording.recording import Recording
from pvbench.recording.sets import CpuSets

_MOST_CALLS: Final = 1 << 16
_MOST_WORDS: Final = 1 << 26  # 512 MB of sets
_ADDRESS: Final = "0x"
Column = npt.NDArray[Any]


@attrs.define
class Merged:
    """
    The columns so far.

    Args:
        masks: what the user says about masks.
        reader: of all files.
        starts: the names of the files, by their first bytes.
    """

    masks: str
    reader: Reader | None = None
    file: str = ""
    starts: dict[bytes, str] = attrs.field(factory=dict)
    clock: str = ""
    columns: dict[str, list[Column]] = attrs.field(factory=dict)
    tables: list[CpuSets] = attrs.field(factory=list)
    rows: int = 0
    words: int = 0
    calls: dict[tuple[Call, bool], int] = attrs.field(factory=dict)
    received: Counter[tuple[int, int]] = attrs.field(factory=Counter)
    host: list[host.Timed] = attrs.field(factory=list)
    events: Counter[str] = attrs.field(factory=Counter)
    notices: Notices = attrs.field(factory=Notices)

    def begin(self, name: str, reader: Reader) -> None:
        """A file begins; all files have one reader."""
        if self.reader is not None and self.reader.name != reader.name:
            raise UsageError(
                f"{self.file} is a text of {self.reader.name}, and {name} one of {reader.name}",
                why="one recording is made by one producer",
                fix="Import each file alone.",
            )
        self.reader, self.file = reader, name

    def end(self) -> None:
        """A file ends."""
        self.notices.end_file()

    def add(self, batch: Batch) -> None:
        """Take the events of a stretch of text."""
        self._set_clock(batch.clock)
        call = np.array([self._call(one) for one in batch.calls], np.uint16)
        columns: dict[str, Column] = {
            "time": batch.time,
            "cpu": batch.cpu.astype(np.uint16),
            "targets": (batch.targets + self.rows).astype(np.uint32),
            "call": call[batch.call] if len(call) else np.zeros(0, np.uint16),
            "count": batch.count,
        }
        for name, column in columns.items():
            self.columns.setdefault(name, []).append(column)
        self._add_sets(batch.sets)
        self.received.update(batch.received)
        self.events.update(batch.events)
        self.host += batch.host
        self.notices.add(batch)

    def _set_clock(self, clock: str) -> None:
        if clock and self.clock and clock != self.clock:
            raise UsageError(
                "the trace has times of different forms",
                why="it mixes clocks or the texts of two producers",
                fix="Import each of them alone.",
            )
        self.clock = clock or self.clock

    def _call(self, call: tuple[Call, bool]) -> int:
        if len(self.calls) >= _MOST_CALLS:
            raise UsageError(f"the trace has more than {_MOST_CALLS} callsites and functions")
        return self.calls.setdefault(call, len(self.calls))

    def _add_sets(self, table: CpuSets) -> None:
        self.tables.append(table)
        self.rows += len(table)
        self.words += table.words.size
        if self.words > _MOST_WORDS:
            raise UsageError(f"the sets of targets take more than {8 * _MOST_WORDS} bytes")

    def recording(self, cpuinfo: Path | None, *, accepted: bool) -> Recording:
        """
        The recording of all files.

        Raises:
            UsageError: there is no event, or *cpuinfo* is of another machine.
        """
        self._check()
        assert self.reader is not None  # noqa: S101 - no file, no event
        calls, is_wanted = self._final_calls()
        columns = {name: np.concatenate(parts) for name, parts in self.columns.items()}
        self.columns.clear()
        sent, sent_sets = _sent(columns, calls, is_wanted), sets.joined(self.tables)
        asked, asked_sets = _wanted(columns, calls, is_wanted, sent_sets)
        table, index = sets.distinct(sets.joined([sent_sets, asked_sets]))
        machine = self._machine(cpuinfo, table, columns["cpu"])
        return Recording(
            producer=self.reader.name,
            kernel=self.notices.kernel,
            cpus=machine.cpus,
            online=machine.online,
            apic_ids=machine.apic_ids,
            clock=self.clock or "none",
            times=machine.times if self.clock == "ns" else "unknown",
            sets=table,
            calls=calls,
            sent=_with_sets(sent, index),
            wanted=_with_sets(asked, index),
            operations=host.operations_of(self.host, has_times=self.clock in ("ns", "ticks")),
            received=self._received(machine.cpus),
            losses=tuple(self.notices.losses),
            accepted=accepted,
            events=dict(self.events),
            notes=(*machine.notes, *self._notes()),
        )

    def _check(self) -> None:
        if not (self.rows or self.host):
            raise NoSendError(
                f"{self.file} has no event that says who interrupts whom",
                why=f"it has {self.events.total()} others" if self.events else "",
                fix="Record ipi:ipi_send_cpu and ipi:ipi_send_cpumask.",
            )
        functions = {
            call.function
            for call, is_wanted in self.calls
            if not is_wanted
            and call.function.startswith(_ADDRESS)
            and call.kind in ("single", "many")
        }
        if len(functions) > 1:
            raise UsageError(
                f"{self.file} has sends with {len(functions)} callbacks, which are addresses",
                why="Linux 6.4 reports queued calls too, which only their names tell apart",
                fix="Print the text on the machine that was traced.",
            )

    def _final_calls(self) -> tuple[tuple[Call, ...], Column]:
        """The calls; where callsites are addresses, a site of masks calls many."""
        masked = {call.callsite for call, _ in self.calls if not call.one_target}
        calls = []
        for call, _ in self.calls:
            kind = call.kind
            if call.callsite.startswith(_ADDRESS) and kind in ("single", "many"):
                kind = "many" if call.callsite in masked else "single"
            calls.append(attrs.evolve(call, kind=kind))
        return tuple(calls), np.array([is_wanted for _, is_wanted in self.calls], np.bool_)

    def _machine(self, cpuinfo: Path | None, table: CpuSets, source: Column) -> Machine:
        used = {*table.used(), *np.unique(source).tolist()}
        used |= {cpu for _, cpu in self.received if cpu != NO_CPU}
        return machine_of(cpuinfo, used if not self.host else set(), self.notices)

    def _received(self, cpus: int) -> dict[int, tuple[int, ...]]:
        vectors = sorted({vector for vector, _ in self.received})
        return {
            vector: tuple(self.received[vector, cpu] for cpu in range(cpus))
            for vector in vectors
        }

    def _notes(self) -> Iterator[str]:
        queued = sum(call.kind == "queued" for call, _ in self.calls)
        if queued:
            yield "Events of queued calls, which Linux 6.4 reports as sends, are left out."
        if self.clock == "ticks":
            yield "Its times are ticks of a clock whose frequency the trace does not have."


def _sent(columns: dict[str, Column], calls: tuple[Call, ...], is_wanted: Column) -> Bursts:
    is_send = ~is_wanted & np.array([call.kind != "queued" for call in calls], np.bool_)
    place = np.flatnonzero(is_send[columns["call"]]) if len(calls) else slice(0)
    return _bursts(columns, place)


def _bursts(columns: dict[str, Column], place: Column | slice) -> Bursts:
    return Bursts(
        time=columns["time"][place] if len(columns["time"]) else columns["time"],
        source=columns["cpu"][place],
        targets=columns["targets"][place],
        call=columns["call"][place],
        count=columns["count"][place] if len(columns["count"]) else columns["count"],
    )


def _wanted(
    columns: dict[str, Column],
    calls: tuple[Call, ...],
    is_wanted: Column,
    table: CpuSets,
) -> tuple[Bursts, CpuSets]:
    """The wanted bursts, with sets of their own that are numbered after those of *table*."""
    if not is_wanted.any():
        return _bursts(columns, slice(0)), sets.of_masks(())
    lowest = table.lowest
    sites = {call.callsite: number for number, call in enumerate(calls)}
    site = np.array([sites[call.callsite] for call in calls], np.int64)
    one_target = np.array([call.kind == "single" for call in calls], np.bool_)
    cpu = np.where(is_wanted[columns["call"]], lowest[columns["targets"]], -1)
    place, starts = wanted.runs(
        source=columns["cpu"].astype(np.int64),
        cpu=cpu,
        site=site[columns["call"]],
        call=columns["call"].astype(np.int64),
        one_target=one_target[columns["call"]],
    )
    own = wanted.sets_of(cpu[place], starts)
    first = place[starts]
    order = np.argsort(first, kind="stable")
    bursts = _bursts(columns, first[order])
    numbers = (np.arange(len(starts))[order] + len(table)).astype(np.uint32)
    return attrs.evolve(bursts, targets=numbers), own


def _with_sets(bursts: Bursts, index: Column) -> Bursts:
    """*bursts* with the numbers of the distinct sets."""
    return attrs.evolve(bursts, targets=index.astype(np.uint32)[bursts.targets])
