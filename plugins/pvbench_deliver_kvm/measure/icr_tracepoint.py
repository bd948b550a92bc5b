"""
ICR writes that exit, counted by a tracepoint, because KVM has no counter for them.

With AVIC or IPI virtualization a write does not exit, so the tracepoint does not see it.
Source: Linux, Documentation/trace/ftrace.rst, "Instances"; kvm:kvm_apic_ipi.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pvbench.errors import UnavailableError

TRACEFS: Final = Path("/sys/kernel/tracing")
EVENT: Final = "kvm/kvm_apic_ipi"


class Audit:
    """Counts the events of some threads while it is open."""

    def __init__(self, instance: Path) -> None:
        self._instance = instance

    def count(self) -> int:
        """
        The number of events since the audit was opened, with those that the buffer overwrote.
        """
        texts = (path.read_text() for path in self._instance.glob("per_cpu/cpu*/stats"))
        numbers = re.findall(r"^(?:entries|overrun): (\d+)", "\n".join(texts), re.MULTILINE)
        return sum(map(int, numbers))


@contextmanager
def audit(threads: list[int], tracefs: Path = TRACEFS) -> Iterator[Audit]:
    """
    Trace *threads* in a tracing instance of their own, apart from other users of tracefs.

    Raises:
        UnavailableError: tracefs cannot be used.
    """
    instance = tracefs / "instances" / f"pvbench-{os.getpid()}"
    _remove_leftovers(instance.parent)
    try:
        instance.mkdir()
    except OSError as error:
        raise UnavailableError(f"{tracefs} cannot be used", why=str(error.strerror)) from None
    try:
        (instance / "set_event_pid").write_text(" ".join(map(str, threads)))
        (instance / "events" / EVENT / "enable").write_text("1")
    except OSError as error:
        _remove(instance)
        raise UnavailableError(f"{EVENT} cannot be traced", why=str(error.strerror)) from None
    try:
        yield Audit(instance)
    finally:
        _remove(instance)


def _remove(instance: Path) -> None:
    with suppress(OSError):
        instance.rmdir()


def _remove_leftovers(instances: Path) -> None:
    """Remove the instances of processes that were killed."""
    for instance in instances.glob("pvbench-*"):
        if not Path("/proc", instance.name.removeprefix("pvbench-")).exists():
            _remove(instance)
