"""
A deterministic model of KVM's local APICs with a cost profile.

Exact in what it delivers and counts; computed, from the cost profile's numbers, in
what it times.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pvbench.delivery import BootedGuest, Delivery, Options, Task
from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl

pvbench_api = 1


class Model:
    name = "model"
    summary = "model of KVM's local APICs, timed by a cost profile"
    clock = "model"

    def why_unavailable(self) -> str | None:
        return None

    def why_unsupported(self, guest: Guest, task: Task, settings: dict[str, Any]) -> str | None:
        if task.mechanism == "kernel":
            return "a model runs no kernel"
        if settings["local_apic"] != "bare":
            return None
        if task.mechanism == "hypercall":
            return "there is no hypervisor to call on bare metal"
        if guest.host_cpus and guest.host_cpus < len(guest.apic_ids):
            return "there are no vCPUs to share host CPUs on bare metal"
        return None

    def cost_profiles(self) -> tuple[str, ...]:
        from pvbench_deliver_model.cost_profile import bundled

        return bundled()

    def settings(self, options: Options) -> dict[str, Any]:
        from pvbench_deliver_model.cost_profile import DEFAULT, read

        if options.cpus:
            raise UsageError("a model runs on no CPU of this machine", fix="Drop --cpu-list.")
        if options.execution == "ops":
            raise UsageError(
                "a model times the sender's algorithm", fix="Drop --execution ops."
            )
        return read(options.costs or DEFAULT).to_json()

    @contextmanager
    def boot(self, guest: Guest, settings: dict[str, Any]) -> Iterator[BootedGuest]:
        from pvbench_deliver_model.assumed import Modelled
        from pvbench_deliver_model.cost_profile import CostProfile

        yield Modelled(guest, CostProfile.from_json(settings))


@hookimpl
def pvbench_deliveries() -> list[Delivery]:
    return [Model()]
