"""Decide whether a Linux guest can run a program on a host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pvbench.delivery import Algorithm, Description, Task
from pvbench.guest import Guest
from pvbench.linux_era import NO_FLAT, PV_IPI, LinuxEra
from pvbench_deliver_linux.machine import IDLE
from pvbench_deliver_linux.settings import Files, settings_of

OVERLAY: Final = "kvm-pv"  # what Linux lays over its driver when KVM offers PV IPIs
_FEWEST: Final = 5  # the canary interrupts three CPUs, which are not all others
_MOST: Final = 255  # more need interrupt remapping, with which Linux has another driver
_FLAT: Final = 8  # CPUs of a guest in xAPIC mode with logical destinations


def driver_of(guest: Guest, linux: LinuxEra) -> str:
    """The driver that Linux chooses in *guest* without interrupt remapping."""
    if guest.apic_mode == "x2apic":
        return "x2apic-physical"
    is_flat = len(guest.apic_ids) <= _FLAT and not linux.follows(NO_FLAT)
    return "xapic-flat" if is_flat else "xapic-physical"


def why_unsupported(guest: Guest, task: Task, description: Description) -> str | None:
    """Why *task* cannot run in *guest* on the host described; None if it can."""
    usable = description.limits["usable_cpus"]
    files = settings_of(description.worker_data).files
    if lacking := next(filter(None, (description.probes or {}).values()), None):
        return lacking
    reasons = (*_of_guest(guest), *_of_task(guest, task), *_of_host(guest, usable))
    return next(iter(reasons), None) or _why_no_kernel(task, files)


def _why_no_kernel(task: Task, files: Files | None) -> str | None:
    """Why there is no kernel of the era; None if there is one, or none was looked for."""
    version = task.algorithm.linux.version if task.algorithm else ""
    if files is None or version in files.kernels:
        return None
    known = ", ".join(files.kernels)
    return (
        f"there is no Linux {version} in the cache: `pvbench lab add {version}` adds it, "
        f"and --linux chooses among {known}"
    )


def _of_guest(guest: Guest) -> Iterator[str]:
    number = len(guest.apic_ids)
    if not _FEWEST <= number <= _MOST:
        yield f"a Linux guest has {_FEWEST} to {_MOST} vCPUs here, not {number}"
    if guest.apic_ids != tuple(guest.cpus) or guest.offline or guest.sockets != 1:
        yield "QEMU numbers the APIC IDs of its guest from 0 on: use --vcpus N"
    if guest.logical_ids or guest.vp_indexes or guest.bits != 64:
        yield "the guest is 64-bit Linux under KVM, without IDs of its own"


def _of_task(guest: Guest, task: Task) -> Iterator[str]:
    algorithm = task.algorithm or Algorithm(driver="")
    driver, linux = driver_of(guest, algorithm.linux), algorithm.linux
    if algorithm.driver != driver:
        yield f"Linux {linux.version} chooses {driver} in this guest"
    elif algorithm.overlay and not linux.follows(PV_IPI):
        yield f"Linux {linux.version} has no PV IPIs, which came with {PV_IPI.first}"
    elif algorithm.overlay not in ("", OVERLAY):
        yield f"Linux has no sender {algorithm.overlay}: it sends by {OVERLAY} or natively"
    if task.target_state not in IDLE:
        yield f"idle CPUs of a Linux guest are {' or '.join(IDLE)}, not {task.target_state}"


def _of_host(guest: Guest, usable: int) -> Iterator[str]:
    needed = guest.host_cpus or len(guest.apic_ids)
    if needed > usable - 1:
        yield (
            f"its vCPUs need {needed} host CPUs, and of {usable} usable ones at most "
            f"{usable - 1} may be busy: use fewer vCPUs, or --host-cpus {max(1, usable - 1)}"
        )
