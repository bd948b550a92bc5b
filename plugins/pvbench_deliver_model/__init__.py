"""
A deterministic model of KVM's local APICs with a cost profile.

Deliveries and counts are exact; times are computed from the cost profile.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pvbench.delivery import BootedGuest, Clock, Costs, Delivery, Description, Options, Task
from pvbench.errors import UsageError
from pvbench.guest import Guest
from pvbench.hookspecs import hookimpl

pvbench_api = 1

CLOCK: Final = Clock("model", 10**12, "exact")


class Model:
    name = "model"
    summary = "model of KVM's local APICs, timed by a cost profile"

    def why_unavailable(self) -> str | None:
        return None

    def why_unsupported(self, guest: Guest, task: Task, description: Description) -> str | None:
        from pvbench_deliver_model.unsupported import why_unsupported

        return why_unsupported(guest, task, description.limits)

    def cost_profiles(self) -> tuple[str, ...]:
        from pvbench_deliver_model.cost_file import bundled

        return bundled()

    def describe(self, options: Options) -> Description:
        from pvbench_deliver_model import cost_values, host_era
        from pvbench_deliver_model.cost_file import DEFAULT, read
        from pvbench_deliver_model.nearest import nearest
        from pvbench_deliver_model.unsupported import limits_of

        if options.cpus:
            raise UsageError("a model runs on no CPU of this machine", fix="Drop --cpu-list.")
        if options.execution == "ops":
            raise UsageError(
                "a model times the sender's algorithm", fix="Drop --execution ops."
            )
        name = options.costs or DEFAULT
        profile = read(name, options.costs_file, options.cost_values)
        data = profile.to_json()
        return Description(
            clock=CLOCK,
            costs=Costs(data["cost_profile"], data["cost_profile_sha256"]),
            limits=limits_of(profile),
            facts={"nearest cost profile": nearest()},
            notes=(*host_era.notes(profile), *cost_values.notes(profile)),
            cpu_vendor=profile.cpu_family.partition(" ")[0],
            worker_data=json.dumps(data).encode(),
        )

    @contextmanager
    def boot(self, guest: Guest, worker_data: bytes) -> Iterator[BootedGuest]:
        from pvbench_deliver_model.assumed import Modelled
        from pvbench_deliver_model.cost_profile import CostProfile

        yield Modelled(guest, CostProfile.from_json(json.loads(worker_data)))


@hookimpl
def pvbench_deliveries() -> list[Delivery]:
    return [Model()]
