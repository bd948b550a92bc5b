"""
The hypercalls and ICR writes of some vCPUs, counted by histograms of the host's tracefs.

A histogram counts in the kernel, so no event is lost however many there are.  An instance
of its own keeps other users of tracefs undisturbed.
Source: Linux, Documentation/trace/histogram.rst.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final

import attrs

from pvbench.errors import UnavailableError

TRACEFS: Final = Path("/sys/kernel/tracing")
# The field whose values are told apart, by event.
HYPERCALL: Final = "kvm/kvm_hypercall"
ICR_WRITE: Final = "kvm/kvm_apic_ipi"
_FIELDS: Final[Mapping[str, str]] = {HYPERCALL: "nr", ICR_WRITE: "icr_low"}
_SIZE: Final = 16384  # entries of a histogram: vCPUs times values
_ENTRY: Final = re.compile(r"\{ common_pid: +(\d+), \w+: +(\d+) +\} hitcount: +(\d+)")
_DROPPED: Final = re.compile(r"^ +Dropped: (\d+)", re.MULTILINE)
_NUMBERS: Final = count(1)


@attrs.frozen
class Trace:
    """Histograms that count from now on, of the *threads* only."""

    instance: Path
    threads: Collection[int]

    def counts(self, event: str) -> Counter[int]:
        """
        How often each value has occurred so far.

        Raises:
            UnavailableError: the kernel does not show it.
        """
        text = _read(self.instance / "events" / event / "hist")
        dropped = _DROPPED.search(text)
        if dropped is None or int(dropped[1]):
            raise UnavailableError(f"the histogram of {event} is incomplete")
        counts: Counter[int] = Counter()
        for thread, value, hits in _ENTRY.findall(text):
            if int(thread) in self.threads:
                counts[int(value)] += int(hits)
        return counts


@contextmanager
def traced(
    threads: Collection[int], events: Collection[str], tracefs: Path = TRACEFS
) -> Iterator[Trace]:
    """
    Count *events* in the context.

    Raises:
        UnavailableError: tracefs cannot be used.
    """
    instance = tracefs / "instances" / f"pvbench-{os.getpid()}-{next(_NUMBERS)}"
    try:
        instance.mkdir()
    except OSError as error:
        raise _unusable(tracefs, error) from None
    try:
        for event in events:
            _trigger(instance, event, "")
        yield Trace(instance, frozenset(threads))
    except OSError as error:
        raise _unusable(tracefs, error) from None
    finally:
        _remove(instance, events)


def _trigger(instance: Path, event: str, prefix: str) -> None:
    words = f"{prefix}hist:keys=common_pid,{_FIELDS[event]}:size={_SIZE}"
    (instance / "events" / event / "trigger").write_text(words)


def _remove(instance: Path, events: Collection[str]) -> None:
    for event in events:
        with suppress(OSError):
            _trigger(instance, event, "!")
    with suppress(OSError):
        instance.rmdir()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise _unusable(path, error) from None


def _unusable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(f"{path} cannot be used", why=str(error.strerror))


def why_unusable(tracefs: Path = TRACEFS) -> str | None:
    """Why the events cannot be counted on this host; None if they can."""
    if not (tracefs / "instances").is_dir() or not os.access(tracefs / "instances", os.W_OK):
        return f"{tracefs}/instances cannot be written, which needs root and a mounted tracefs"
    for event in _FIELDS:
        if not (tracefs / "events" / event / "hist").exists():
            return f"the kernel has no histogram of {event}"
    return None
