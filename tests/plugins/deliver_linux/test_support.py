"""Which programs a Linux guest can run on a host."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.delivery import Algorithm, Clock, Description
from pvbench.guest import Guest
from pvbench.linux_era import LinuxEra
from pvbench_deliver_linux.settings import Files, Settings, hides_icr_writes
from pvbench_deliver_linux.support import driver_of, why_unsupported
from support.helpers import guest_of
from support.linux_tasks import task_of

FILES = Files(command=("qemu",), kernels={"6.12": "a", "4.19": "b", "4.18": "c"})
SETTINGS = Settings(files=FILES, cpus=range(9), hides_icr_writes=False)
DESCRIPTION = Description(
    clock=Clock("wall", 10**9, "noisy"),
    limits={"usable_cpus": 9},
    worker_data=SETTINGS.encoded(),
)
TASK = task_of("futex", "9", has_pv_ipi=True)


def reason(guest: Guest, **changes: Any) -> str | None:
    """Why the task, changed so, cannot run in *guest* on a host with nine usable CPUs."""
    return why_unsupported(guest, attrs.evolve(TASK, **changes), DESCRIPTION)


def test_eight_vcpus_run_on_nine_cpus() -> None:
    """One CPU of the host stays free."""
    assert reason(guest_of(range(8))) is None
    assert reason(guest_of(range(32), host_cpus=8)) is None
    assert "--host-cpus 8" in str(reason(guest_of(range(9))))
    assert "need 9 host CPUs" in str(reason(guest_of(range(32), host_cpus=9)))


@pytest.mark.parametrize(
    ("guest", "words"),
    [
        pytest.param(guest_of(range(4)), "5 to 255 vCPUs here, not 4", id="small"),
        pytest.param(guest_of(range(256), host_cpus=1), "not 256", id="large"),
        pytest.param(guest_of(range(0, 16, 2)), "APIC IDs", id="ids"),
        pytest.param(guest_of(range(8), offline=(3,)), "APIC IDs", id="offline"),
        pytest.param(guest_of(range(8), bits=32), "64-bit Linux", id="bits"),
    ],
)
def test_a_guest_that_qemu_does_not_make_so_is_refused(guest: Guest, words: str) -> None:
    """The canary interrupts three CPUs, which must not be all others."""
    assert words in str(reason(guest))


@pytest.mark.parametrize(
    ("mode", "cpus", "version", "driver"),
    [
        ("x2apic", 8, "4.19", "x2apic-physical"),
        ("xapic", 8, "6.11", "xapic-flat"),
        ("xapic", 8, "6.12", "xapic-physical"),
        ("xapic", 9, "6.11", "xapic-physical"),
    ],
)
def test_linux_chooses_its_driver(mode: str, cpus: int, version: str, driver: str) -> None:
    """There is no interrupt remapping."""
    guest = guest_of(range(cpus), apic_mode=mode)

    assert driver_of(guest, LinuxEra(version=version)) == driver


def test_a_kernel_of_the_era_is_in_the_cache() -> None:
    """Another one follows other rules."""
    guest, driver = guest_of(range(8)), "x2apic-physical"
    old, missing = (
        Algorithm(driver=driver, overlay="kvm-pv", linux=LinuxEra(version=version))
        for version in ("4.18", "7.3")
    )

    assert "has no PV IPIs, which came with 4.19" in str(reason(guest, algorithm=old))
    assert "`pvbench lab add 7.3` adds it" in str(reason(guest, algorithm=missing))


def test_another_driver_or_overlay_is_not_linux_s() -> None:
    """Linux lays kvm-pv over its driver, if KVM offers it."""
    guest = guest_of(range(8))
    cluster = Algorithm(driver="x2apic-cluster")
    proposed = Algorithm(driver="x2apic-physical", overlay="kvm-pv128-v3")

    assert "Linux 6.12 chooses x2apic-physical" in str(reason(guest, algorithm=cluster))
    assert "Linux has no sender kvm-pv128-v3" in str(reason(guest, algorithm=proposed))
    assert "not running" in str(reason(guest, target_state="running"))


@pytest.mark.parametrize(
    ("facts", "is_hidden"),
    [
        ({"kvm_amd.avic": "Y"}, True),
        ({"kvm_amd.avic": "0"}, False),
        ({"kvm_intel.enable_apicv": "Y", "kvm_intel.enable_ipiv": "Y"}, True),
        ({"kvm_intel.enable_apicv": "Y", "kvm_intel.enable_ipiv": "N"}, False),
        ({}, False),
    ],
)
def test_an_icr_write_need_not_exit_with_avic_or_ipi_virtualization(
    facts: dict[str, str], is_hidden: bool
) -> None:
    """APICv alone exits for it."""
    assert hides_icr_writes(facts) == is_hidden
