"""
A deterministic model of KVM's local APICs with a cost profile.

Exact in what it delivers and counts; computed, from the profile's numbers, in
what it times.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pvbench.delivery import Delivery, Machine
from pvbench.hookspecs import hookimpl
from pvbench.topology import Guest

pvbench_api = 1


class Model:
    name = "model"
    summary = "model of KVM's local APICs, timed by a cost profile"
    clock = "model"

    def unavailable(self) -> str | None:
        return None

    def unsupported(
        self, guest: Guest, target_state: str, mechanism: str, settings: dict[str, Any]
    ) -> str | None:
        if settings["local_apic"] != "bare":
            return None
        if mechanism == "hypercall":
            return "there is no hypervisor to call on bare metal"
        if guest.host_cpus and guest.host_cpus < len(guest.apic_ids):
            return "there are no vCPUs to share host CPUs on bare metal"
        return None

    def profiles(self) -> tuple[str, ...]:
        from pvbench_deliver_model.profile import bundled

        return bundled()

    def settings(self, profile: str | None) -> dict[str, Any]:
        from pvbench_deliver_model.profile import DEFAULT, read

        return read(profile or DEFAULT).to_json()

    @contextmanager
    def boot(self, guest: Guest, settings: dict[str, Any]) -> Iterator[Machine]:
        from pvbench_deliver_model.assumed import Modelled
        from pvbench_deliver_model.profile import Profile

        yield Modelled(guest, Profile.from_json(settings))


@hookimpl
def pvbench_deliveries() -> list[Delivery]:
    return [Model()]
