"""
ICR writes as the host saw them: KVM keeps no counter, but it has a tracepoint.

With AVIC or IPI virtualization a write that succeeds leaves no trace.
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
    """Counts the event in some threads while it is open."""

    def __init__(self, instance: Path) -> None:
        self._instance = instance

    def count(self) -> int:
        """Events since it was opened, those that fell out of the buffer included."""
        texts = (path.read_text() for path in self._instance.glob("per_cpu/cpu*/stats"))
        found = re.findall(r"^(?:entries|overrun): (\d+)", "\n".join(texts), re.MULTILINE)
        return sum(map(int, found))


@contextmanager
def audit(threads: list[int], tracefs: Path = TRACEFS) -> Iterator[Audit]:
    """
    Trace *threads* in a buffer of its own, which nobody else's tracing meets.

    Raises:
        UnavailableError: tracefs cannot be used, and why.
    """
    instance = tracefs / "instances" / f"pvbench-{os.getpid()}"
    _remove_left(instance.parent)
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


def _remove_left(instances: Path) -> None:
    """What processes have left that were killed."""
    for instance in instances.glob("pvbench-*"):
        if not Path("/proc", instance.name.removeprefix("pvbench-")).exists():
            _remove(instance)
