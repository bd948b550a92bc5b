"""Registers reach KVM as they are where it serves the ABI, and translated elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvbench.host import pv_ipi_abi
from pvbench_deliver_kvm.measure import hypercall_abis
from pvbench_deliver_kvm.vmm import mailbox

WITH_MIN_0 = "the merged KVM_HC_SEND_IPI with min 0"
WITH_MIN_OF_CLUSTER = "the merged KVM_HC_SEND_IPI with min = 128 * cluster"
REAL = {"patched_kvm": "yes"}
AS_THEY_ARE = mailbox.HYPERCALL_KVM


@pytest.fixture
def parameter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the parameter of a patched KVM, which does not exist."""
    path = tmp_path / "pv_ipi_abi"
    monkeypatch.setattr(pv_ipi_abi, "PARAMETER", path)
    return path


@pytest.mark.usefixtures("parameter")
@pytest.mark.parametrize(
    ("abi", "served", "in_mailbox", "facts"),
    [
        ("kvm", ["kvm"], AS_THEY_ARE, {}),
        ("kvm-v3", ["kvm"], mailbox.HYPERCALL_KVM_V3, {"stand_in": WITH_MIN_0}),
        ("kvm-v3", ["kvm", "kvm-v3"], AS_THEY_ARE, REAL),
        (
            "kvm-cluster128",
            ["kvm"],
            mailbox.HYPERCALL_KVM_CLUSTER128,
            {"stand_in": WITH_MIN_OF_CLUSTER},
        ),
        ("kvm-cluster128", ["kvm-v3", "kvm-cluster128"], AS_THEY_ARE, REAL),
        ("kvm-cluster192", ["kvm-cluster192"], AS_THEY_ARE, REAL),
        ("hyperv", ["kvm"], mailbox.HYPERCALL_HYPERV, {}),
    ],
)
def test_registers_are_translated_only_where_the_abi_is_not_served(
    abi: str, served: list[str], in_mailbox: int, facts: dict[str, str]
) -> None:
    """The facts say what was called, or that KVM is a patched one."""
    assert hypercall_abis.in_mailbox(abi, served) == in_mailbox
    assert hypercall_abis.facts(abi, served) == facts


@pytest.mark.parametrize(
    ("abi", "served", "expected"),
    [
        ("kvm-v3", ["kvm"], "kvm"),
        ("kvm-v3", ["kvm", "kvm-v3"], "kvm-v3"),
        ("kvm-cluster192", [], "kvm-cluster192"),
        ("hyperv", [], "hyperv"),
    ],
)
def test_a_stand_in_executes_the_merged_hypercall(
    abi: str, served: list[str], expected: str
) -> None:
    """A site must let its host serve what the guest executes."""
    assert hypercall_abis.executed(abi, served) == expected


def test_the_parameter_of_a_patched_kvm_is_a_fact(parameter: Path) -> None:
    """It is read when a guest boots, whatever the guest sends."""
    parameter.write_text("cluster128\n")

    assert hypercall_abis.facts("kvm", ["kvm"]) == {"pv_ipi_abi": "cluster128"}
    assert hypercall_abis.facts("kvm-v3", ["kvm-v3"]) == {"pv_ipi_abi": "cluster128"} | REAL


def test_only_probes_that_work_make_an_abi_served() -> None:
    """One that was not tried may not work."""
    probes = {"kvm-hypercall": "", "kvm-v3-hypercall": "it hangs", "x2apic-nmi": ""}

    assert hypercall_abis.served_abis(probes) == ("kvm",)


def test_that_a_proposal_is_not_served_is_not_worth_showing() -> None:
    """An unpatched KVM is described as if nothing had been proposed."""
    probes = {
        "kvm-hypercall": "",
        "kvm-v3-hypercall": hypercall_abis.NOT_SERVED,
        "kvm-cluster128-hypercall": "it does not return within 1.8 s",
    }

    assert hypercall_abis.shown(probes).keys() == {
        "kvm-hypercall",
        "kvm-cluster128-hypercall",
    }
