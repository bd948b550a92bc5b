"""The CPUID leaves of a guest."""

from __future__ import annotations

from pvbench_deliver_kvm.vmm import uapi
from pvbench_deliver_kvm.vmm.cpuid import Cpuid

OTHER = uapi.kvm_cpuid_entry2(function=1, ebx=7)
FIRST = uapi.kvm_cpuid_entry2(function=0, ebx=0x756E6547, edx=0x49656E69, ecx=0x6C65746E)


def test_the_vendor_is_in_leaf_0_wherever_it_stands() -> None:
    """KVM gives the leaves in any order."""
    assert Cpuid([OTHER, FIRST]).vendor == b"GenuineIntel"


def test_without_leaf_0_there_is_no_vendor() -> None:
    """The leaf is not made up."""
    assert Cpuid([OTHER]).vendor == b""
