"""
Time IPIs of this kernel without privileges: membarrier(2) on threads that spin.

A call interrupts each CPU that currently runs a thread of the caller, and returns when
all of them have handled the IPI.  A call is a sample only if the CAL row of
/proc/interrupts rose for every target: without it a target was not on its CPU.
Guest CPU i is the i-th CPU of this machine's /proc/cpuinfo.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from pvbench.delivery import BootedGuest, Clock, Delivery, Description, Options, Task
from pvbench.errors import UsageError
from pvbench.guest import Guest, HostIds
from pvbench.hookspecs import hookimpl

pvbench_api = 1

CLOCK: Final = Clock("wall", 10**9, "noisy")


def _usable() -> set[int]:
    return os.sched_getaffinity(0)


@attrs.frozen(kw_only=True)
class Live:
    """
    The delivery.

    Args:
        root: where the kernel's files are.
        usable: the CPUs of this machine that may be used.
    """

    root: Path = Path("/")
    usable: Callable[[], set[int]] = _usable

    name = "live"
    summary = "this kernel's own IPIs, by membarrier(2): no privilege, no VM"

    def why_unavailable(self) -> str | None:
        from pvbench_deliver_live.support import why_unavailable

        return why_unavailable(self.root, self.usable())

    def why_unsupported(self, guest: Guest, task: Task, description: Description) -> str | None:
        from pvbench_deliver_live.support import cpus_of, why_unsupported

        return why_unsupported(guest, task, cpus_of(description.worker_data))

    def cost_profiles(self) -> tuple[str, ...]:
        return ()

    def describe(self, options: Options) -> Description:
        from pvbench_deliver_live import kernel
        from pvbench_deliver_live.support import cpus_here, host_ids

        if options.costs:
            raise UsageError("live measures, it has no cost profiles", fix="Drop --costs.")
        if options.execution == "ops":
            raise UsageError(
                "live executes no ops, because the kernel sends", fix="Drop --execution ops."
            )
        if options.cpus:
            raise UsageError(
                "live runs on the CPUs that the workload names, numbered as this machine's",
                fix="Drop --cpu-list.",
            )
        cpus, ids = cpus_here(self.root, self.usable()), host_ids(self.root)
        return Description(
            clock=CLOCK,
            notes=(kernel.source(self.root), *_without_ids(ids)),
            host_ids=ids,
            worker_data=cpus.encoded(),
        )

    @contextmanager
    def boot(self, guest: Guest, worker_data: bytes) -> Iterator[BootedGuest]:
        from pvbench_deliver_live.this_kernel import booted

        with booted(self.root) as kernel:
            yield kernel


def _without_ids(ids: HostIds) -> Iterator[str]:
    """A sentence if the APIC IDs of this machine are not known."""
    if ids.reason:
        yield f"CPU numbers stand for the APIC IDs, which are unknown: {ids.reason}."


@hookimpl
def pvbench_deliveries() -> list[Delivery]:
    return [Live()]
