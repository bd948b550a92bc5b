"""The stacks of a selection: the native driver is the one that the kernel chooses."""

from __future__ import annotations

import pytest

from pvbench.errors import UsageError
from pvbench.guest import HostIds
from pvbench.linux_era import parsed
from pvbench.results import schema
from pvbench.run.cases import Selection, expand
from pvbench.run.stacks import stacks_of
from pvbench.suite import Suite
from pvbench.topology import parse_guest
from support.helpers import bundled

SUITE = Suite(
    name="question",
    version=1,
    summary="-",
    workloads=("broadcast",),
    drivers=("native",),
    overlays=("kvm-pv",),
    guests=("4",),
)


@pytest.mark.parametrize(
    ("guest", "linux", "expected"),
    [
        pytest.param("80", "6.12", "x2apic-physical", id="ordinary"),
        pytest.param("80", "4.19", "x2apic-physical", id="of-2018"),
        pytest.param("80+intremap", "6.12", "x2apic-cluster", id="interrupt-remapping"),
        pytest.param("8+nox2apic", "6.11", "xapic-flat", id="flat"),
        pytest.param("8+nox2apic", "6.12", "xapic-physical", id="flat-was-removed"),
        pytest.param("9+nox2apic", "6.11", "xapic-physical", id="too-many-for-flat"),
        pytest.param("8", "2.6.31", "xapic-flat", id="before-x2apic-under-kvm"),
        pytest.param("8+intremap", "2.6.31", "x2apic-cluster", id="remapping-is-older"),
    ],
)
def test_the_kernel_chooses_the_native_driver(guest: str, linux: str, expected: str) -> None:
    """try_to_enable_x2apic(), then the first driver whose probe() succeeds."""
    driver = bundled().native_driver(parse_guest(guest), parsed(linux))

    assert driver is not None
    assert expected == driver.name


def test_a_32_bit_kernel_still_has_flat_mode() -> None:
    """Only 64-bit kernels lost it."""
    driver = bundled().native_driver(parse_guest("8+nox2apic", bits=32), parsed("6.12"))

    assert driver is not None
    assert driver.name == "xapic-flat"


def test_native_as_a_driver_depends_on_guest_and_kernel() -> None:
    """One suite has other stacks in each guest; the fact names the driver there."""
    selection = Selection(guests=("8", "8+intremap", "8+nox2apic"), linux=("5.4", "6.12"))
    cases, _ = expand(SUITE, selection, bundled(), HostIds())
    facts = [schema.case_facts(case) for case in cases]

    assert [f["stack"] for f in facts if f["sender"] == "native"] == [
        *("x2apic-physical", "x2apic-physical"),
        *("x2apic-cluster", "x2apic-cluster"),
        *("xapic-flat", "xapic-physical"),
    ]
    assert all(f["driver"] == f["native_driver"] for f in facts)


def test_without_the_native_driver_native_is_refused() -> None:
    """It may be blocked."""
    with pytest.raises(UsageError) as caught:
        stacks_of(["native"], ["native"], bundled(), None)

    assert str(caught.value) == (
        "no plugin offers the kernel's native driver. Name a --driver."
    )


def test_a_guest_without_x2apic_runs_no_x2apic_driver() -> None:
    """Its mode cannot be enabled."""
    guest = parse_guest("4+nox2apic")
    reasons = {
        name: bundled()
        .stack(name)
        .why_unsupported(bundled().stack(name).guest(guest), parsed("6.12"))
        for name in ("x2apic-physical", "xapic-physical")
    }

    assert reasons == {
        "x2apic-physical": "the CPUs of the guest have no x2APIC",
        "xapic-physical": None,
    }
