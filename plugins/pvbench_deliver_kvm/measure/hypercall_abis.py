"""How a guest's hypercalls reach KVM: as they are, or translated to the merged one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import attrs

from pvbench.host import pv_ipi_abi
from pvbench_deliver_kvm.vmm import mailbox

# The probe of each ABI that KVM_HC_SEND_IPI has, or had in a proposal.
PROBE_OF: Final = {
    "kvm": "kvm-hypercall",
    "kvm-v3": "kvm-v3-hypercall",
    "kvm-cluster128": "kvm-cluster128-hypercall",
    "kvm-cluster192": "kvm-cluster192-hypercall",
}
NOT_SERVED: Final = "KVM does not serve it"  # why the probe of a proposed ABI fails


@attrs.frozen
class StandIn:
    """
    The merged hypercall in place of a proposed one.

    Args:
        in_mailbox: the translation, as the guest knows it.
        sentence: what is called.
    """

    in_mailbox: int
    sentence: str


# For a KVM that only serves the merged KVM_HC_SEND_IPI.
STAND_INS: Final = {
    "kvm-v3": StandIn(mailbox.HYPERCALL_KVM_V3, "the merged KVM_HC_SEND_IPI with min 0"),
    "kvm-cluster128": StandIn(
        mailbox.HYPERCALL_KVM_CLUSTER128,
        "the merged KVM_HC_SEND_IPI with min = 128 * cluster",
    ),
}


def served_abis(probes: Mapping[str, str]) -> tuple[str, ...]:
    """The ABIs of KVM_HC_SEND_IPI that work by the results of *probes*."""
    return tuple(abi for abi, probe in PROBE_OF.items() if probes.get(probe) == "")


def shown(probes: Mapping[str, str]) -> dict[str, str]:
    """The results of *probes* that are worth showing; a KVM need not serve proposals."""
    return {probe: reason for probe, reason in probes.items() if reason != NOT_SERVED}


def stand_in(hypercall_abi: str, served: Collection[str]) -> StandIn | None:
    """The stand-in for an ABI that KVM does not serve; None without one."""
    return None if hypercall_abi in served else STAND_INS.get(hypercall_abi)


def in_mailbox(hypercall_abi: str, served: Collection[str]) -> int:
    """What the guest does with the registers of its hypercalls, one of mailbox.HYPERCALL_*."""
    if hypercall_abi == "hyperv":
        return mailbox.HYPERCALL_HYPERV
    replaced = stand_in(hypercall_abi, served)
    return replaced.in_mailbox if replaced else mailbox.HYPERCALL_KVM


def executed(hypercall_abi: str, served: Collection[str]) -> str:
    """The ABI of the hypercalls that a guest with *hypercall_abi* executes."""
    return "kvm" if stand_in(hypercall_abi, served) else hypercall_abi


def probe_of(hypercall_abi: str, served: Collection[str]) -> str:
    """The probe of the hypercall that a guest with *hypercall_abi* executes."""
    return PROBE_OF[executed(hypercall_abi, served)]


def facts(hypercall_abi: str, served: Collection[str]) -> dict[str, str | int | float]:
    """Facts of a boot about its hypercalls; none on an unpatched KVM without a stand-in."""
    value = pv_ipi_abi.read()
    parameter: dict[str, str | int | float] = {"pv_ipi_abi": value} if value else {}
    if replaced := stand_in(hypercall_abi, served):
        return parameter | {"stand_in": replaced.sentence}
    is_proposed = hypercall_abi in PROBE_OF and hypercall_abi != "kvm"
    return parameter | ({"patched_kvm": "yes"} if is_proposed else {})
