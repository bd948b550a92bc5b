"""Exits of a vCPU: kvm_run becomes one type, and an exit that ends a guest has a name."""

from __future__ import annotations

from typing import Any

import pytest

from pvbench_deliver_kvm.vmm import exits, uapi
from pvbench_deliver_kvm.vmm.exits import (
    InternalError,
    Interrupted,
    Io,
    Mmio,
    Other,
    Shutdown,
    VcpuExit,
)


def kvm_run(reason: int, **fields: Any) -> uapi.kvm_run:
    """The shared page after an exit; *fields* are ``io__port`` and so on."""
    state = uapi.kvm_run(exit_reason=reason)
    for name, value in fields.items():
        part, field = name.split("__")
        setattr(getattr(state, part), field, value)
    return state


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param(kvm_run(2, io__port=0x10), Io(0x10), id="io"),
        pytest.param(
            kvm_run(6, mmio__phys_addr=0x3000_0000, mmio__is_write=1),
            Mmio(0x3000_0000, is_write=True),
            id="mmio-write",
        ),
        pytest.param(
            kvm_run(6, mmio__phys_addr=0xFEE1_0000), Mmio(0xFEE1_0000, False), id="mmio-read"
        ),
        pytest.param(kvm_run(8), Shutdown(), id="shutdown"),
        pytest.param(kvm_run(17, internal__suberror=1), InternalError(1), id="internal"),
        pytest.param(kvm_run(9), Other(9), id="fail-entry"),
        pytest.param(kvm_run(0), Other(0), id="unknown"),
    ],
)
def test_each_exit_reason_has_a_type(state: uapi.kvm_run, expected: VcpuExit) -> None:
    """The numbers are those of <linux/kvm.h>."""
    assert exits.exit_of(state) == expected


@pytest.mark.parametrize(
    ("vcpu_exit", "expected"),
    [
        (Io(0x42), "unhandled KVM_EXIT_IO on port 0x42"),
        (Mmio(0x1000, True), "KVM_EXIT_MMIO: write to 0x1000, which is not guest memory,"),
        (Mmio(0x1000, False), "KVM_EXIT_MMIO: read from 0x1000, which is not guest memory,"),
        (Shutdown(), "triple fault (KVM_EXIT_SHUTDOWN)"),
        (InternalError(3), "KVM_EXIT_INTERNAL_ERROR, suberror 3,"),
        (Other(9), "unhandled KVM_EXIT_FAIL_ENTRY"),
        (Other(99), "unhandled exit reason 99"),
        (Interrupted(), "interrupted by a signal"),
    ],
    ids=repr,
)
def test_each_exit_can_be_described(vcpu_exit: VcpuExit, expected: str) -> None:
    """By the kernel's name of the exit reason, with its data."""
    assert exits.description(vcpu_exit) == expected
