"""
Linux in a guest of its own: QEMU boots it with and without KVM's PV IPIs.

It needs hardware virtualization, QEMU, a kernel, and root, because the proof that PV IPIs
were used is traced on the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pvbench.delivery import BootedGuest, Clock, Description, Options, Task
from pvbench.errors import UnavailableError, UsageError
from pvbench.guest import Guest

CLOCK = Clock("wall", 10**9, "noisy")


class Linux:
    name = "linux"
    summary = "a Linux guest under QEMU on this host's KVM runs programs, PV IPIs on or off"

    def why_unavailable(self) -> str | None:
        from pvbench_deliver_linux.needs import why_unavailable

        return why_unavailable()

    def why_unsupported(self, guest: Guest, task: Task, description: Description) -> str | None:
        from pvbench_deliver_linux.support import why_unsupported

        return why_unsupported(guest, task, description)

    def cost_profiles(self) -> tuple[str, ...]:
        return ()

    def cache_files(self) -> dict[str, bytes]:
        """See `pvbench.delivery.Portable`: QEMU, a kernel and the programs."""
        from pvbench_deliver_linux.carried import carried

        return carried()

    def describe(self, options: Options) -> Description:
        from pvbench.host import facts as host_facts
        from pvbench_deliver_linux import carried, files
        from pvbench_deliver_linux.settings import Settings, hides_icr_writes

        _check(options)
        reason = self.why_unavailable()
        if reason and options.probe:
            raise UnavailableError(reason)
        facts = host_facts.facts()
        settings = Settings(
            files=files.prepared(carried.command()) if options.probe else None,
            cpus=options.cpus or host_facts.usable_cpus(),
            hides_icr_writes=hides_icr_writes(facts),
        )
        return Description(
            clock=CLOCK,
            limits={"usable_cpus": len(settings.cpus)},
            probes={"linux-guest": reason} if reason else None,  # a plan shows it for each case
            notes=tuple(_notes(facts, hides_icr_writes=settings.hides_icr_writes)),
            worker_data=settings.encoded(),
            runs_programs=True,
        )

    @contextmanager
    def boot(self, guest: Guest, worker_data: bytes) -> Iterator[BootedGuest]:
        from pvbench_deliver_linux.booted import booted
        from pvbench_deliver_linux.settings import settings_of

        with booted(guest, settings_of(worker_data)) as one:
            yield one


def _check(options: Options) -> None:
    if options.costs:
        raise UsageError("linux measures, it has no cost profiles", fix="Drop --costs.")
    if options.execution == "ops":
        raise UsageError(
            "linux executes no ops, because the kernel in the guest sends",
            fix="Drop --execution ops.",
        )


def _notes(facts: dict[str, str], *, hides_icr_writes: bool) -> Iterator[str]:
    modules, release = facts["kvm_modules"], facts["kernel_release"]
    yield f"Source: a Linux guest under QEMU on KVM ({modules}) of Linux {release}."
    if hides_icr_writes:
        yield (
            "With AVIC or IPI virtualization an ICR write need not exit, so the number of "
            "ICR writes is unknown."
        )
