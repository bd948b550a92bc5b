"""What the host knows of a guest's vCPUs before and after a slice."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import attrs

from pvbench_deliver_kvm.vmm.booted_guest import GuestVm


@attrs.frozen(kw_only=True)
class Readings:
    """KVM's counters of each vCPU, and how long its thread waited for a host CPU."""

    counters: list[dict[str, int]]
    waited_ns: list[int]
    ran_ns: list[int]

    @classmethod
    def take(cls, guest: GuestVm) -> Readings:
        """As they are now."""
        times = [_schedstat(thread.native_id) for thread in guest.threads]
        return cls(
            counters=[counters.read() for counters in guest.counters],
            ran_ns=[ran for ran, _ in times],
            waited_ns=[waited for _, waited in times],
        )

    def since(self, before: Readings) -> Readings:
        """The change."""
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
        """Share of its time that each thread wanted to run and could not; None if all slept."""
        pairs = zip(self.waited_ns, self.ran_ns, strict=True)
        return [waited / (waited + ran) if waited + ran else None for waited, ran in pairs]

    def total(self, name: str, cpus: Iterable[int]) -> int | None:
        """Sum over *cpus*; None where KVM does not count it."""
        if not self.counters or name not in self.counters[0]:
            return None
        return sum(self.counters[cpu][name] for cpu in cpus)


def _schedstat(thread: int | None) -> tuple[int, int]:
    """(ns run, ns waited for a CPU); zeros where the kernel does not tell."""
    try:
        ran, waited, _ = Path(f"/proc/self/task/{thread}/schedstat").read_text().split()
    except (OSError, ValueError):
        return 0, 0
    return int(ran), int(waited)
