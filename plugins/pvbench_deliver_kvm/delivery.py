"""
Real KVM: a micro-VMM boots a small guest that executes the ops and times itself.

It needs /dev/kvm and, for the first time, a C compiler.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pvbench.delivery import BootedGuest, Clock, Description, Options, Task
from pvbench.errors import PvbenchError, UnavailableError, UsageError
from pvbench.guest import Guest

if TYPE_CHECKING:
    from pvbench_deliver_kvm.vmm.kvm import Kvm

CLOCK: Final = Clock("tsc", None, "noisy")
PATIENCE_S = 5.0  # how long a guest may make no progress


class KvmDelivery:
    name = "kvm"
    summary = "real KVM: a small guest sends the IPIs and times itself"

    def why_unavailable(self) -> str | None:
        from pvbench_deliver_kvm import build
        from pvbench_deliver_kvm.vmm.kvm import Kvm

        try:
            with Kvm.open():
                build.image()
        except UnavailableError as error:
            return str(error)
        return None

    def why_unsupported(self, guest: Guest, task: Task, description: Description) -> str | None:
        from pvbench_deliver_kvm.support import why_unsupported

        known = {"probes": description.probes}
        return why_unsupported(guest, task, _settings(description.worker_data) | known)

    def cost_profiles(self) -> tuple[str, ...]:
        return ()

    def describe(self, options: Options) -> Description:
        from pvbench.host import facts as host_facts
        from pvbench_deliver_kvm.probe.cache import probes
        from pvbench_deliver_kvm.vmm.kvm import Kvm

        usable, facts = host_facts.usable_cpus(), host_facts.facts()
        software = facts["virtualization"].startswith("software")
        if options.costs:
            raise UsageError("kvm measures, it has no cost profiles", fix="Drop --costs.")
        if missing := sorted(set(options.cpus) - set(usable)):
            raise UsageError(
                f"--cpu-list names CPU {missing[0]}, which may not be used here",
                fix=f"Usable: {','.join(map(str, usable))}.",
            )
        with Kvm.open() as kvm:
            limits, told = kvm.limits(), _told(facts, kvm, software=software)
        limits |= {"usable_cpus": len(options.cpus or usable)}
        settings = limits | {
            "cpus": list(options.cpus),
            "execution": options.execution,
            "software": software,
            "facts": told,
            "patience_s": PATIENCE_S,
        }
        tried = None
        if options.probe:
            tried = probes(wait=options.wait, progress=options.progress)
        return Description(
            clock=CLOCK,
            facts=told,
            probes=tried,
            limits=limits,
            worker_data=json.dumps(settings).encode(),
        )

    @contextmanager
    def boot(self, guest: Guest, worker_data: bytes) -> Iterator[BootedGuest]:
        from pvbench_deliver_kvm.measure.boot import boot_guest

        with boot_guest(guest, _settings(worker_data)) as booted:
            yield booted


@lru_cache
def _settings(worker_data: bytes) -> dict[str, Any]:
    """What a description says to a boot; not to be changed."""
    settings: dict[str, Any] = json.loads(worker_data)
    return settings


def _told(facts: dict[str, str], kvm: Kvm, *, software: bool) -> dict[str, Any]:
    """What a report says of where its times are from."""
    modules, release = facts["kvm_modules"], facts["kernel_release"]
    told: dict[str, Any] = {
        "source": f"a guest of its own on KVM ({modules}) of Linux {release}"
    }
    with suppress(PvbenchError), kvm.create_vm() as vm:  # a run says why not
        told["tsc_khz"] = vm.create_vcpu(0).get_tsc_khz()
    if software:
        told["caveat"] = (
            "this KVM works without hardware virtualization and emulates what the guest "
            "does: counts are real, times mean nothing for other hosts"
        )
    return told
