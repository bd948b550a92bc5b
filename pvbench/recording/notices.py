"""What a trace says about itself: its kernel, its CPUs and the events that it lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from pvbench.errors import PluginError, UsageError
from pvbench.recording.events import Batch
from pvbench.recording.recording import Loss
from pvbench.recording.sets import MOST_CPUS
from pvbench.text import counted, one_line

_LONGEST_NUMBER: Final = 18  # digits


@attrs.define
class Notices:
    """
    The notices so far.

    Args:
        kernel: the release of the kernel.
        model: the name of the CPU.
        cpus: the number of CPUs; 0 if it is unknown.
        entries: how many entries the header of the file says that it has, and how many
            lines are there.
    """

    kernel: str = ""
    model: str = ""
    cpus: int = 0
    losses: list[Loss] = attrs.field(factory=list)
    entries: int = 0
    lines: int = 0

    def add(self, batch: Batch) -> None:
        """Take the notices of a stretch of text."""
        self.lines += batch.total
        for name, values in batch.notices:
            if name not in _TAKE:
                raise PluginError(f"a reader gives a notice called {name!r}")
            _TAKE[name](self, *(one_line(value.decode(errors="replace")) for value in values))

    def end_file(self) -> None:
        """Compare the lines of a file with the entries that its header names."""
        if self.entries > self.lines:
            missing = self.entries - self.lines
            reason = f"its header says {self.entries} entries, and it has {self.lines}"
            self.losses.append(Loss(cpu=None, events=missing, reason=reason))
        self.entries = self.lines = 0

    def take_cpus(self, text: str) -> None:
        """The number of CPUs."""
        number = _number(text)
        if not 1 <= number <= MOST_CPUS:
            raise UsageError(f"the trace is of {text} CPUs, not 1 to {MOST_CPUS}")
        _check_same("CPUs", self.cpus, number)
        self.cpus = number

    def take_kernel(self, text: str) -> None:
        """The release of the kernel."""
        _check_same("kernel", self.kernel, text)
        self.kernel = text

    def take_model(self, text: str) -> None:
        """The name of the CPU."""
        _check_same("CPU", self.model, text)
        self.model = text

    def take_entries(self, here: str, written: str = "0", cpus: str = "") -> None:
        """The entries in the file, those that were written, and the number of CPUs."""
        self.entries += _number(here)
        if overwritten := max(0, _number(written) - _number(here)):
            reason = f"the ring buffer was too small: {overwritten} events were overwritten"
            self.losses.append(Loss(cpu=None, events=overwritten, reason=reason))
        if cpus:
            self.take_cpus(cpus)

    def take_lost(self, cpu: str, events: str) -> None:
        """Events of one CPU that the ring buffer lost; their number may be unknown."""
        known = _number(events) if events else None
        reason = f"CPU {cpu} lost {events or 'an unknown number of'} events"
        self.losses.append(Loss(cpu=_number(cpu), events=known, reason=reason))

    def take_lost_chunks(self, chunks: str) -> None:
        """Chunks of an unknown number of events."""
        reason = f"perf lost {counted(_number(chunks), 'chunk')} of an unknown number of events"
        self.losses.append(Loss(cpu=None, events=None, reason=reason))

    def take_dropped(self, events: str) -> None:
        """Events that a histogram had no room for."""
        if dropped := _number(events):
            reason = f"the histogram had no room for {dropped} events"
            self.losses.append(Loss(cpu=None, events=dropped, reason=reason))


def _check_same(noun: str, before: object, now: object) -> None:
    """Check that two notices are of one machine."""
    if before and before != now:
        raise UsageError(
            f"the traces are of different machines: {noun} {before} and {now}",
            why="one recording is of one machine",
            fix="Import the traces of each machine alone.",
        )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise UsageError(f"{text!r} in a notice of the trace is not a number")
    return int(text)


_TAKE: Final[dict[str, Callable[..., None]]] = {
    "cpus": Notices.take_cpus,
    "kernel": Notices.take_kernel,
    "model": Notices.take_model,
    "entries": Notices.take_entries,
    "lost": Notices.take_lost,
    "lost chunks": Notices.take_lost_chunks,
    "dropped": Notices.take_dropped,
}
