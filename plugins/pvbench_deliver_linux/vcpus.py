"""The threads of the vCPUs of a QEMU: where they run, and what KVM has counted."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any, Final

import attrs

from pvbench.errors import WorkerError
from pvbench.qemu.qmp import Qmp

_PROC: Final = Path("/proc")
COUNTED: Final = ("exits", "halt_wakeup", "halt_successful_poll")


@attrs.frozen
class Reading:
    """
    Counters at one moment, of all vCPUs together.

    Args:
        cpu_ns: host CPU time of the threads.
        counters: KVM's, by name; those that it does not have are missing.
    """

    cpu_ns: int
    counters: dict[str, int]

    def since(self, before: Reading) -> Reading:
        """What was added after *before*."""
        return Reading(
            self.cpu_ns - before.cpu_ns,
            {name: count - before.counters[name] for name, count in self.counters.items()},
        )


@attrs.frozen
class Vcpus:
    """The vCPUs of the QEMU with the process ID *process*, by their thread IDs in order."""

    process: int
    threads: tuple[int, ...]
    monitor: Qmp

    @classmethod
    def of(cls, process: int, monitor: Qmp) -> Vcpus:
        """
        Ask QEMU for its threads.

        Raises:
            WorkerError: it does not say.
        """
        answer: Any = monitor.execute("query-cpus-fast")
        try:
            by_cpu = {int(cpu["cpu-index"]): int(cpu["thread-id"]) for cpu in answer}
        except (TypeError, LookupError, ValueError):
            raise WorkerError("QEMU does not name the threads of its vCPUs") from None
        return cls(process, tuple(by_cpu[cpu] for cpu in sorted(by_cpu)), monitor)

    def pin(self, cpus: tuple[int, ...]) -> None:
        """
        Give each vCPU one host CPU, in turn.

        Raises:
            WorkerError: the host does not allow it.
        """
        try:
            for number, thread in enumerate(self.threads):
                os.sched_setaffinity(thread, {cpus[number % len(cpus)]})
        except OSError as error:
            raise WorkerError("a vCPU cannot be pinned", why=str(error.strerror)) from None

    def read(self) -> Reading:
        """
        The counters now.

        Raises:
            WorkerError: the host does not show them.
        """
        return Reading(sum(map(self._cpu_ns, self.threads)), self._counters())

    def _cpu_ns(self, thread: int) -> int:
        try:
            text = (_PROC / f"{self.process}/task/{thread}/schedstat").read_text()
            return int(text.split()[0])
        except (OSError, ValueError, LookupError):
            raise WorkerError("the host does not show the CPU time of a vCPU") from None

    def _counters(self) -> dict[str, int]:
        answer: Any = self.monitor.execute("query-stats", target="vcpu")
        totals: Counter[str] = Counter()
        try:
            for vcpu in answer:
                for one in vcpu["stats"]:
                    if one["name"] in COUNTED:
                        totals[one["name"]] += int(one["value"])
        except (TypeError, LookupError, ValueError):
            raise WorkerError("QEMU does not show what KVM has counted") from None
        return dict(totals)
