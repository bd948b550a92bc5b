"""Read the host's counts for the vCPUs of a guest: KVM's counters and scheduler times."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import attrs

from pvbench_deliver_kvm.vmm.booted_guest import GuestVm

TASKS: Final = Path("/proc/self/task")


@attrs.frozen(kw_only=True)
class Readings:
    """
    One reading of all vCPUs, or the change between two.

    Args:
        counters: KVM's counters by name, of each vCPU; empty if KVM keeps none.
        waited_ns: how long each vCPU's thread waited for a host CPU.
        ran_ns: how long it ran.
    """

    counters: list[dict[str, int]]
    waited_ns: list[int]
    ran_ns: list[int]

    @classmethod
    def take(cls, vm: GuestVm, tasks: Path = TASKS) -> Readings:
        """Read all counters as they are now."""
        times = [thread_times(thread.native_id, tasks) for thread in vm.threads]
        return cls(
            counters=[counters.read() for counters in vm.counters],
            ran_ns=[ran for ran, _ in times],
            waited_ns=[waited for _, waited in times],
        )

    def since(self, before: Readings) -> Readings:
        """The change since an earlier reading."""
        return Readings(
            counters=[
                {name: value - old[name] for name, value in new.items()}
                for new, old in zip(self.counters, before.counters, strict=True)
            ],
            ran_ns=[n - o for n, o in zip(self.ran_ns, before.ran_ns, strict=True)],
            waited_ns=[n - o for n, o in zip(self.waited_ns, before.waited_ns, strict=True)],
        )

    @property
    def delays(self) -> list[float | None]:
        """The share of its time that each thread waited for a host CPU; None if asleep."""
        pairs = zip(self.waited_ns, self.ran_ns, strict=True)
        return [waited / (waited + ran) if waited + ran else None for waited, ran in pairs]

    def total(self, name: str, cpus: Iterable[int]) -> int | None:
        """The sum over *cpus*; None if KVM does not count it."""
        if not self.counters or name not in self.counters[0]:
            return None
        return sum(self.counters[cpu][name] for cpu in cpus)


def thread_times(thread: int | None, tasks: Path = TASKS) -> tuple[int, int]:
    """(ns run, ns waited for a CPU) of a thread; zeros if the kernel does not show them."""
    try:
        ran, waited, _ = (tasks / f"{thread}/schedstat").read_text().split()
    except (OSError, ValueError):
        return 0, 0
    return int(ran), int(waited)
