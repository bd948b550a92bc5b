"""The facts that the kernel's log has about its IPIs; others are ``unknown``."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench_deliver_live import kernel
from support.live import KMSG, fake_machine

TAIL = KMSG.partition("\n")[2]  # the log of a machine that has been up for long
OLDER = "6,0,0,-;Linux version 4.18\n6,1,0,-;Setting APIC routing to cluster x2apic.\n"


@pytest.mark.parametrize(
    ("kmsg", "flags", "routing", "pv_ipis"),
    [
        pytest.param(KMSG, "x2apic hypervisor", "physical x2apic", "on", id="all-is-logged"),
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
        pytest.param("", "hypervisor", "unknown", "unknown", id="nothing-is-logged"),
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
def test_the_boot_log_shows_the_driver_and_pv_ipis(
    tmp_path: Path, kmsg: str | None, flags: str, routing: str, pv_ipis: str
) -> None:
    """A missing line proves something only if the log is complete."""
    root = fake_machine(tmp_path, kmsg=kmsg, flags=flags)
    facts = kernel.facts(root)

    assert (facts["apic_routing"], facts["pv_ipis"]) == (routing, pv_ipis)
    assert kernel.source(root).endswith(f"APIC routing {routing}, PV IPIs {pv_ipis}.")


@pytest.mark.parametrize(
    ("flags", "expected"), [("x2apic", "yes"), ("apic", "no")], ids=["flag", "no-flag"]
)
def test_x2apic_is_a_flag_of_the_cpu(tmp_path: Path, flags: str, expected: str) -> None:
    """The kernel clears the flag if it does not use the mode."""
    assert kernel.facts(fake_machine(tmp_path, flags=flags))["cpu_x2apic"] == expected


def test_without_files_all_facts_are_unknown(tmp_path: Path) -> None:
    """The facts are still complete."""
    facts = kernel.facts(tmp_path)

    assert {facts[name] for name in ("apic_routing", "pv_ipis", "cpu_x2apic")} == {"unknown"}
