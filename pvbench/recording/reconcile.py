"""
The sums of a trace, compared: interrupts sent with interrupts received.

They are equal if the trace has the send events and the *_entry events of all CPUs, and
lost none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import numpy as np

from pvbench.errors import UsageError, not_readable
from pvbench.host.files import read_regular
from pvbench.recording.recording import Recording
from pvbench.x86.apic import (
    CALL_FUNCTION_SINGLE_VECTOR,
    CALL_FUNCTION_VECTOR,
    IRQ_WORK_VECTOR,
    RESCHEDULE_VECTOR,
)

VECTORS: Final = (
    *(CALL_FUNCTION_SINGLE_VECTOR, CALL_FUNCTION_VECTOR),
    *(RESCHEDULE_VECTOR, IRQ_WORK_VECTOR),
)
# Lines of /proc/interrupts, and the vectors that they count.
LINES: Final = {
    "RES": (RESCHEDULE_VECTOR,),
    "CAL": (CALL_FUNCTION_SINGLE_VECTOR, CALL_FUNCTION_VECTOR),
}
_LINE: Final = re.compile(r"^ *(RES|CAL):((?: +[0-9]{1,20})+)(?: .*)?$", re.MULTILINE)

Named = tuple[str, str]  # a text, after its name


@attrs.frozen(kw_only=True)
class Sum:
    """
    One pair of sums.

    Args:
        name: what is counted.
        sent: interrupts that the trace shows as sent.
        received: interrupts that were received.
        cpus: the CPUs that received another number than was sent to them.
        wider: the interrupts received are those of a longer time.
    """

    name: str
    sent: int
    received: int
    cpus: tuple[int, ...] = ()
    wider: bool = False

    @property
    def differs(self) -> bool:
        """Whether interrupts are missing on one side."""
        return self.received < self.sent if self.wider else self.received != self.sent


def sums(recording: Recording) -> Iterator[Sum]:
    """The sums of each vector whose *_entry events the trace has."""
    for vector in VECTORS:
        if vector in recording.received:
            sent = sent_to(recording, vector)
            received = np.array(recording.received[vector], np.int64)
            yield Sum(
                name=f"vector {vector}",
                sent=int(sent.sum()),
                received=int(received.sum()),
                cpus=tuple(np.flatnonzero(sent != received).tolist()),
            )


def sent_to(recording: Recording, *vectors: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many interrupts with *vectors* were sent to each CPU."""
    sent = recording.sent
    is_of = np.array([call.vector in vectors for call in recording.calls], np.bool_)
    place = is_of[sent.call] if len(is_of) else np.zeros(0, np.bool_)
    weights = np.bincount(
        sent.targets[place], sent.counts[place], minlength=len(recording.sets)
    ).astype(np.int64)
    counts = np.zeros(recording.cpus, np.int64)
    for cpu, column in enumerate(recording.sets.matrix(recording.cpus).T):
        counts[cpu] = weights[column].sum()
    return counts


def sums_of_files(recording: Recording, before: Path, after: Path) -> list[Sum]:
    """
    The sums of the trace and of two files with /proc/interrupts, which it lies between.

    Raises:
        UsageError: a file cannot be read, or *after* is not the later one.
    """
    return sums_between(recording, (str(before), _read(before)), (str(after), _read(after)))


def sums_between(recording: Recording, before: Named, after: Named) -> list[Sum]:
    """
    The sums of the trace and of two texts of /proc/interrupts, which it lies between.

    Args:
        recording: the recording.
        before: the name of a text for messages, and the text.
        after: the later one.

    Raises:
        UsageError: a text is another one, or *after* is not the later one.
    """
    earlier, later = _counts(*before), _counts(*after)
    if any(later[name] < earlier[name] for name in LINES):
        raise UsageError(
            f"{after[0]} has fewer interrupts than {before[0]}",
            why="it is the earlier one, or of another boot",
            fix="Give the text from before the trace first.",
        )
    return [
        Sum(
            name=f"line {name}",
            sent=int(sent_to(recording, *vectors).sum()),
            received=later[name] - earlier[name],
            wider=True,
        )
        for name, vectors in LINES.items()
    ]


def _read(path: Path) -> str:
    try:
        return read_regular(path).decode(errors="replace")
    except OSError as error:
        raise not_readable(path, error) from None


def _counts(name: str, text: str) -> dict[str, int]:
    counts = {line: sum(map(int, numbers.split())) for line, numbers in _LINE.findall(text)}
    if missing := LINES.keys() - counts.keys():
        raise UsageError(
            f"{name} is not a text of /proc/interrupts",
            why=f"it has no line {min(missing)}",
        )
    return counts
