"""Which programs a Linux guest can run on a host."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pvbench.delivery import Algorithm, Clock, Description
from pvbench.guest import Guest
from pvbench_deliver_linux.settings import hides_icr_writes
from pvbench_deliver_linux.support import driver_of, why_unsupported
from support.helpers import guest_of
from support.linux_tasks import task_of

DESCRIPTION = Description(clock=Clock("wall", 10**9, "noisy"), limits={"usable_cpus": 9})
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
    ("mode", "cpus", "driver"),
    [
        ("x2apic", 8, "x2apic-physical"),
        ("xapic", 8, "xapic-flat"),
        ("xapic", 9, "xapic-physical"),
    ],
)
def test_linux_chooses_its_driver(mode: str, cpus: int, driver: str) -> None:
    """There is no interrupt remapping."""
    assert driver_of(guest_of(range(cpus), apic_mode=mode)) == driver


def test_another_driver_or_overlay_is_not_linux_s() -> None:
    """Linux lays kvm-pv over its driver, if KVM offers it."""
    guest = guest_of(range(8))
    cluster = Algorithm(driver="x2apic-cluster")
    proposed = Algorithm(driver="x2apic-physical", overlay="kvm-pv128-v3")

    assert reason(guest, algorithm=cluster) == "Linux chooses x2apic-physical in this guest"
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
