"""The TSC offsets of vCPUs are made equal where KVM allows it."""

from __future__ import annotations

import errno
from typing import cast

import attrs
import pytest

from pvbench_deliver_kvm.vmm.booted_guest import equalise_tscs
from pvbench_deliver_kvm.vmm.fd import IoctlError
from pvbench_deliver_kvm.vmm.vcpu import Vcpu


@attrs.define
class FakeVcpu:
    """
    A vCPU that has only a TSC offset.

    Args:
        offset: None if KVM lacks KVM_VCPU_TSC_OFFSET.
        refuses: KVM refuses to set it.
        keeps: KVM accepts another offset and keeps the old one.
        written: the offsets that were set.
    """

    offset: int | None
    refuses: bool = False
    keeps: bool = False
    written: list[int] = attrs.field(factory=list)

    def get_tsc_offset(self) -> int | None:
        """See `Vcpu.get_tsc_offset`."""
        return self.offset

    def set_tsc_offset(self, offset: int) -> None:
        """See `Vcpu.set_tsc_offset`."""
        if self.refuses:
            raise IoctlError("KVM_SET_DEVICE_ATTR", errno.EINVAL)
        self.written.append(offset)
        if not self.keeps:
            self.offset = offset


def agree(*vcpus: FakeVcpu) -> bool:
    """Whether their TSCs are known to agree afterwards."""
    return equalise_tscs(cast("list[Vcpu]", [*vcpus]))


def test_tsc_offsets_that_differ_become_equal() -> None:
    """All vCPUs get that of the first."""
    vcpus = FakeVcpu(1000), FakeVcpu(2000), FakeVcpu(1000)

    assert agree(*vcpus)
    assert [vcpu.written for vcpu in vcpus] == [[], [1000], []]


def test_equal_offsets_are_not_written() -> None:
    """The times of two CPUs can be compared already."""
    vcpus = FakeVcpu(1000), FakeVcpu(1000)

    assert agree(*vcpus)
    assert [vcpu.written for vcpu in vcpus] == [[], []]


@pytest.mark.parametrize("second", [FakeVcpu(1001, refuses=True), FakeVcpu(1001, keeps=True)])
def test_offsets_that_cannot_be_set_stay_different(second: FakeVcpu) -> None:
    """They are read again after they were set."""
    assert not agree(FakeVcpu(1000), second)


@pytest.mark.parametrize(("offsets", "expected"), [((None,), True), ((None, None), False)])
def test_unknown_offsets_agree_only_for_one_vcpu(
    offsets: tuple[None, ...], expected: bool
) -> None:
    """KVM has the attribute since Linux 5.16."""
    assert agree(*map(FakeVcpu, offsets)) is expected
