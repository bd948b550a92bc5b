"""What the kernel says of its IPIs, and ``unknown`` where it says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench_deliver_live import kernel
from support.live import KMSG, plant

TAIL = KMSG.partition("\n")[2]  # the log of a machine that has been up for long
OLDER = "6,0,0,-;Linux version 4.18\n6,1,0,-;Setting APIC routing to cluster x2apic.\n"


@pytest.mark.parametrize(
    ("kmsg", "flags", "routing", "pv_ipis"),
    [
        pytest.param(KMSG, "x2apic hypervisor", "physical x2apic", "on", id="all-is-told"),
        pytest.param(TAIL, "x2apic hypervisor", "physical x2apic", "on", id="begins-later"),
        pytest.param(
            KMSG.replace("kvm-guest: setup PV IPIs", "KVM setup pv IPIs"),
            "x2apic hypervisor",
            "physical x2apic",
            "on",
            id="older-words",
        ),
        pytest.param(
            KMSG.replace("kvm-guest: setup PV IPIs", "Hyper-V: Using IPI hypercalls"),
            "x2apic hypervisor",
            "physical x2apic",
            "on",
            id="hyper-v",
        ),
        pytest.param(OLDER, "hypervisor", "cluster x2apic", "off", id="old-and-without"),
        pytest.param("", "hypervisor", "unknown", "unknown", id="nothing-is-told"),
        pytest.param(None, "hypervisor", "unknown", "unknown", id="may-not-be-read"),
        pytest.param(None, "x2apic", "unknown", "off", id="no-hypervisor-to-ask"),
        pytest.param(
            "6,9,9,-;APIC: Switched APIC routing to: physical flat\n" + TAIL,
            "hypervisor",
            "physical x2apic",
            "on",
            id="the-last-word-counts",
        ),
    ],
)
def test_the_boot_log_tells(
    tmp_path: Path, kmsg: str | None, flags: str, routing: str, pv_ipis: str
) -> None:
    """A line that is missing proves something only in a log that is whole."""
    found = kernel.facts(plant(tmp_path, kmsg=kmsg, flags=flags))

    assert (found["apic_routing"], found["pv_ipis"]) == (routing, pv_ipis)
    assert found["source"].endswith(f"APIC routing {routing}, PV IPIs {pv_ipis}")


@pytest.mark.parametrize(
    ("flags", "expected"), [("x2apic", "yes"), ("apic", "no")], ids=["flag", "no-flag"]
)
def test_x2apic_is_a_flag_of_the_cpu(tmp_path: Path, flags: str, expected: str) -> None:
    """The kernel takes it away if it does not use it."""
    assert kernel.facts(plant(tmp_path, flags=flags))["cpu_x2apic"] == expected


def test_without_any_file_all_is_unknown(tmp_path: Path) -> None:
    """It is asked as far as it can be."""
    found = kernel.facts(tmp_path)

    assert {found[name] for name in ("apic_routing", "pv_ipis", "cpu_x2apic")} == {"unknown"}
