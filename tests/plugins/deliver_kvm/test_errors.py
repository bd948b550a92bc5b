"""Errors around a guest keep their own messages."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import attrs
import pytest

from pvbench.errors import UnavailableError
from pvbench.topology import parse_guest
from pvbench_deliver_kvm.measure.boot import boot_guest, start_of
from pvbench_deliver_kvm.measure.icr_tracepoint import IcrTrace
from pvbench_deliver_kvm.settings import Settings
from pvbench_deliver_kvm.vmm.commands import GuestError
from pvbench_deliver_kvm.vmm.fd import IoctlError
from support.kvm import PATIENCE_S
from support.kvm_fakes import FakeGuest
from support.kvm_raw import task_of

SETTINGS = Settings(execution="ops", patience_s=PATIENCE_S, software=True)


def test_an_error_of_the_guest_in_an_audit_is_raised() -> None:
    """Only an audit that the host cannot make is a mere fact."""
    fake = FakeGuest(writes=15)
    booted = fake.booted()
    fake.failure = IoctlError("KVM_SIGNAL_MSI", errno.EINVAL)

    with pytest.raises(IoctlError, match="KVM_SIGNAL_MSI failed"):
        booted.load(task_of()).run(loops=1, warmup=0)


def test_tracing_instances_of_killed_runs_are_removed(tmp_path: Path) -> None:
    """Those of running processes and of other tools stay."""
    ours, orphan = f"pvbench-{os.getppid()}-1", "pvbench-99999999-1"
    for name in (ours, orphan, "trace-cmd"):
        (tmp_path / "instances" / name).mkdir(parents=True)

    with pytest.raises(UnavailableError, match="cannot be traced"):
        IcrTrace([1], tmp_path).start()
    remaining = set(os.listdir(tmp_path / "instances"))
    assert (orphan in remaining, {ours, "trace-cmd"} - remaining) == (False, set())


@pytest.mark.parametrize(
    ("own", "software", "expected"),
    [
        pytest.param(0, False, 0, id="as-it-is"),
        pytest.param(0, True, 10, id="lower"),
        pytest.param(15, True, 15, id="low-already"),
        pytest.param(15, False, 15, id="never-higher"),
    ],
)
def test_threads_have_no_higher_priority_than_the_user_asked_for(
    own: int, software: bool, expected: int
) -> None:
    """A lower nice value takes a privilege."""
    settings = attrs.evolve(SETTINGS, software=software)
    start = start_of(parse_guest("dense:2"), settings, image=b"", niceness=own)

    assert start.niceness == expected


@pytest.mark.usefixtures("needs_kvm")
def test_a_host_cpu_that_does_not_exist_is_named() -> None:
    """The message has the kernel's reason."""
    settings = attrs.evolve(SETTINGS, cpus=(4095,))

    with (
        pytest.raises(GuestError, match="host CPU 4095 cannot be used: Invalid argument"),
        boot_guest(parse_guest("dense:2"), settings),
    ):
        pass
