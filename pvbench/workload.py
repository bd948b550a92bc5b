"""Workloads: who wants to interrupt whom."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from pvbench.ops import Burst
from pvbench.topology import Guest


@attrs.frozen(kw_only=True)
class Workload:
    """
    A stream of bursts, the same in each iteration.

    Args:
        name: unique, lower case with dashes.
        summary: one line for `pvbench list workloads`.
        bursts: the bursts of one iteration in a guest, one for each source CPU;
            ``()`` is an iteration that sends nothing.
        needs_cpus: the smallest guest it makes sense in.
    """

    name: str
    summary: str
    bursts: Callable[[Guest], tuple[Burst, ...]]
    needs_cpus: int = 1

    def unsupported(self, guest: Guest) -> str | None:
        """Why the workload cannot run in *guest*; None if it can."""
        if len(guest.apic_ids) < self.needs_cpus:
            return f"{self.name} needs {self.needs_cpus} CPUs"
        return None
