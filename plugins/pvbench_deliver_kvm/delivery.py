"""
Real KVM: a micro-VMM boots a small guest that executes the ops and times itself.

It needs /dev/kvm and, for the first time, a C compiler.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import attrs

from pvbench.delivery import BootedGuest, Clock, Description, Options, Task
from pvbench.errors import PvbenchError, UnavailableError, UsageError
from pvbench.guest import Guest
from pvbench_deliver_kvm.settings import Limits, Settings, settings_of

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

        return why_unsupported(guest, task, description)

    def cost_profiles(self) -> tuple[str, ...]:
        return ()

    def cache_files(self) -> dict[str, bytes]:
        """See `pvbench.delivery.Portable`: the compiled guest."""
        from pvbench_deliver_kvm import build

        image = build.image()
        return {f"guest-{build.key()}.bin": image}

    def describe(self, options: Options) -> Description:
        from pvbench.host import facts as host_facts
        from pvbench.host.cpuinfo import read_or_empty
        from pvbench_deliver_kvm.measure.hypercall_abis import served_abis, shown
        from pvbench_deliver_kvm.probe.cache import probes
        from pvbench_deliver_kvm.probe.processes import forked, started
        from pvbench_deliver_kvm.vmm.kvm import Kvm

        usable, facts = host_facts.usable_cpus(), host_facts.facts()
        software = facts["virtualization"].startswith("software")
        _check(options, usable)
        with Kvm.open() as kvm:
            limits = Limits(**kvm.limits(), usable_cpus=len(options.cpus or usable))
            measuring = _tsc_facts(kvm)
        start = forked if options.fork else started
        results = (
            probes(wait=options.wait, progress=options.progress, start=start)
            if options.probe
            else None
        )
        settings = Settings(
            cpus=options.cpus,
            execution=options.execution,
            software=software,
            facts=measuring,
            served=served_abis(results or {}),
            patience_s=PATIENCE_S,
            near_exact=options.near_exact,
        )
        return Description(
            clock=CLOCK,
            facts=measuring,
            probes=None if results is None else shown(results),
            limits=attrs.asdict(limits),
            notes=tuple(_notes(facts, software=software)),
            worker_data=settings.encoded(),
            cpu_vendor=read_or_empty().vendor,
        )

    @contextmanager
    def boot(self, guest: Guest, worker_data: bytes) -> Iterator[BootedGuest]:
        from pvbench_deliver_kvm.measure.boot import boot_guest

        with boot_guest(guest, settings_of(worker_data)) as booted:
            yield booted


def _check(options: Options, usable: Collection[int]) -> None:
    """
    Check the options against the CPUs that may be used here.

    Raises:
        UsageError: this delivery cannot do what they ask.
    """
    if options.costs:
        raise UsageError("kvm measures, it has no cost profiles", fix="Drop --costs.")
    if missing := sorted(set(options.cpus) - set(usable)):
        raise UsageError(
            f"--cpu-list names CPU {missing[0]}, which may not be used here",
            fix=f"Usable: {','.join(map(str, usable))}.",
        )


def _tsc_facts(kvm: Kvm) -> dict[str, str | int | float]:
    """The frequency of the guest's TSC; nothing if KVM cannot create a vCPU."""
    with suppress(PvbenchError), kvm.create_vm() as vm:  # the boot reports the error
        return {"tsc_khz": vm.create_vcpu(0).get_tsc_khz()}
    return {}


def _notes(facts: dict[str, str], *, software: bool) -> Iterator[str]:
    """Sentences about the source and the limits of the times."""
    modules, release = facts["kvm_modules"], facts["kernel_release"]
    yield f"Source: a guest of its own on KVM ({modules}) of Linux {release}."
    if software:
        yield (
            "Caveat: this KVM has no hardware virtualization and emulates the guest's "
            "instructions, so counts are real, but times say nothing about other hosts."
        )
