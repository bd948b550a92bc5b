"""
ICR writes that exit, counted by a tracepoint, because KVM has no counter for them.

With AVIC or IPI virtualization a write does not exit, so the tracepoint does not see it.
Source: Linux, Documentation/trace/ftrace.rst, "Instances"; kvm:kvm_apic_ipi.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

from pvbench.errors import UnavailableError

TRACEFS: Final = Path("/sys/kernel/tracing")
EVENT: Final = "kvm/kvm_apic_ipi"
_NUMBERS: Final = count(1)


class IcrTrace:
    """
    Counts the events of some threads, in a tracing instance apart from other users of tracefs.

    To make an instance takes much longer than to trace a task, so one instance serves a
    whole boot.  It is made when the first count starts.

    Args:
        threads: the ids of the threads.
    """

    def __init__(self, threads: list[int], tracefs: Path = TRACEFS) -> None:
        self._threads, self._tracefs = threads, tracefs
        self._instance: Path | None = None
        self._is_on = False

    def start(self) -> None:
        """
        Count from now on.

        Raises:
            UnavailableError: tracefs cannot be used.
        """
        if self._is_on:
            return
        try:
            _switch(self._instance or self._made(), "1")
        except OSError as error:
            self.close()
            raise UnavailableError(
                f"{EVENT} cannot be traced", why=str(error.strerror)
            ) from None
        self._is_on = True

    def _made(self) -> Path:
        """An instance for the threads; `close` removes it."""
        instances = self._tracefs / "instances"
        _remove_leftovers(instances)
        instance = instances / f"pvbench-{os.getpid()}-{next(_NUMBERS)}"
        try:
            instance.mkdir()
        except OSError as error:
            raise UnavailableError(
                f"{self._tracefs} cannot be used", why=str(error.strerror)
            ) from None
        self._instance = instance
        (instance / "set_event_pid").write_text(" ".join(map(str, self._threads)))
        return instance

    def count(self) -> int:
        """The number of events so far, with those that the buffer overwrote."""
        if self._instance is None:
            return 0
        texts = (path.read_text() for path in self._instance.glob("per_cpu/cpu*/stats"))
        numbers = re.findall(r"^(?:entries|overrun): (\d+)", "\n".join(texts), re.MULTILINE)
        return sum(map(int, numbers))

    def stop(self) -> None:
        """Count no more, because tracing costs the threads time."""
        if self._instance and self._is_on:
            _switch(self._instance, "0")
            self._is_on = False

    def close(self) -> None:
        """Remove the instance."""
        if self._instance:
            _remove(self._instance)
            self._instance, self._is_on = None, False


def _switch(instance: Path, state: str) -> None:
    (instance / "events" / EVENT / "enable").write_text(state)


def _remove(instance: Path) -> None:
    with suppress(OSError):
        instance.rmdir()


def _remove_leftovers(instances: Path) -> None:
    """Remove the instances of processes that were killed."""
    for instance in instances.glob("pvbench-*"):
        if not Path("/proc", instance.name.split("-")[1]).exists():
            _remove(instance)
