"""
The programs of the guest in a real Linux, which QEMU emulates without KVM.

Its times say nothing.  The test runs only if PVBENCH_REQUIRE names linux.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from pvbench.linux_era import LinuxEra
from pvbench.qemu.kernels import of_path
from pvbench.qemu.vmlinux import vmlinux_of
from pvbench_deliver_linux import files
from pvbench_deliver_linux.control import answer_of
from pvbench_deliver_linux.guest_process import RunningGuest, running
from pvbench_deliver_linux.machine import Machine
from pvbench_deliver_linux.settings import Files
from support.helpers import guest_of
from support.lab import kernel, why_no_lab
from support.require import skip_without


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGuest]:
    """A guest of six CPUs."""
    named = "linux" in os.environ.get("PVBENCH_REQUIRE", "").split(",")
    reason = why_no_lab() if named else "PVBENCH_REQUIRE does not name linux"
    skip_without("linux", reason, means=True)
    folder = tmp_path_factory.mktemp("linux")
    (folder / "vmlinux").write_bytes(
        vmlinux_of(of_path("a test", kernel() or folder).image.read_bytes())
    )
    (folder / "initramfs").write_bytes(files.archive())
    machine = Machine(
        files=Files(
            command=(shutil.which(files.QEMU) or "",),
            kernels={},
        ),
        initramfs=folder / "initramfs",
        kernel=folder / "vmlinux",
        linux=LinuxEra(),
        guest=guest_of(range(6)),
        has_pv_ipi=True,
        idle="halted",
        accelerator="tcg,thread=single",
        processor="max",
    )
    with running(machine, tuple(sorted(os.sched_getaffinity(0)))) as running_guest:
        yield running_guest


def test_the_guest_says_what_it_is(guest: RunningGuest) -> None:
    """Without KVM there is no PV IPI."""
    assert guest.facts["cpus"] == "6"
    assert guest.facts["pv_ipi_offered"] == "no"
    assert len(guest.vcpus.threads) == 6 or len({*guest.vcpus.threads}) == 1


@pytest.mark.parametrize(
    ("words", "operations"),
    [
        ("membarrier 3 20", 20),
        ("madvise 2 10", 20),
        ("munmap 2 10", 20),
        ("futex 20", 40),
        ("pipe 20", 40),
        ("hackbench 1 8", 32),
    ],
)
def test_a_program_does_its_amount_of_work(
    guest: RunningGuest, words: str, operations: int
) -> None:
    """It times each operation, and the wake-ups of a bystander."""
    readings = []
    lines = guest.control.phase(f"run {words}", lambda: readings.append(guest.vcpus.read()))
    answer = answer_of(lines)

    assert answer.operations == answer.times["operation"].samples == operations
    assert answer.times["bystander"].samples > 0
    assert answer.wall_ns > 0
    assert readings[1].cpu_ns > readings[0].cpu_ns


def test_the_canary_runs_and_answers_nothing(guest: RunningGuest) -> None:
    """Its hypercalls are counted on the host."""
    assert guest.control.phase("canary 20", lambda: None) == []
