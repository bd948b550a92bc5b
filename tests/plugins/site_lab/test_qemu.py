"""The command line of QEMU: what results depend on, and nothing of the host."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import attrs
import pytest

from pvbench_site_lab.qemu import Channels, Machine
from pvbench_site_lab.snapshot import Snapshot
from pvbench_site_lab.store import Store

CHANNELS = Channels(memory=7, console=8, monitor=9)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with one CPU."""
    program = tmp_path / "qemu-system-x86_64"
    program.write_bytes(b"qemu")
    return Machine(
        program=program, kernel=Path("/k"), initramfs=Path("/i"), clock="icount", cpus=1
    )


def options(command: list[str]) -> dict[str, str]:
    """The value of each option."""
    return dict(pairwise(command))


def test_virtual_time_counts_instructions(machine: Machine) -> None:
    """No device of it brings input at a moment that the host decides."""
    command = machine.command(CHANNELS)
    values = options(command)

    assert (values["-accel"], values["-icount"]) == ("tcg", "shift=1,sleep=off")
    assert (values["-rtc"], values["-smp"]) == ("base=2026-01-01T00:00:00,clock=vm", "1")
    assert (values["-cpu"], values["-seed"]) == ("max,-rdrand,-rdseed,-erms", "1")
    assert {"-nodefaults", "-no-user-config", "-S"} <= set(command)
    assert not {"-netdev", "-drive", "-virtfs", "-device virtio"} & set(command)


def test_clock_tsc_has_a_thread_for_each_cpu(machine: Machine) -> None:
    """Its times mean nothing, and it has several CPUs."""
    values = options(attrs.evolve(machine, clock="tsc", cpus=4).command(CHANNELS))

    assert (values["-accel"], values["-smp"]) == ("tcg,thread=multi", "4")
    assert "-icount" not in values


def test_channels_are_file_descriptors(machine: Machine) -> None:
    """So no file has to be removed later."""
    command = " ".join(machine.command(CHANNELS))

    assert "mem-path=/proc/self/fd/7" in command
    assert "file,id=console,path=/proc/self/fd/8" in command
    assert "socket,id=monitor,fd=9" in command


def test_a_snapshot_is_read_from_an_open_file(machine: Machine) -> None:
    """Its name may be gone or new when QEMU comes to it."""
    command = machine.command(CHANNELS, incoming=5)

    assert options(command)["-incoming"] == f"exec:cat /proc/{os.getpid()}/fd/5"


def test_the_kernel_starts_the_interpreter(machine: Machine) -> None:
    """Its environment comes from the command line."""
    parameters = options(machine.command(CHANNELS))["-append"]

    assert "rdinit=/bin/python -- -S -B -P -m pvbench_site_lab.inside.init" in parameters
    assert "PYTHONHASHSEED=0" in parameters.split()
    assert "panic=-1" in parameters.split()


def key(machine: Machine, content: str = "x") -> str:
    """The key of its snapshot."""
    return Snapshot(machine, content, Store(Path("/nowhere"))).key


def test_a_snapshot_is_of_another_machine_if_anything_of_it_changes(machine: Machine) -> None:
    """It depends on QEMU's file, the command line, the kernel and the image."""
    before = key(machine)

    assert key(machine) == before
    assert key(attrs.evolve(machine, clock="tsc")) != before
    assert key(attrs.evolve(machine, cpus=2)) != before
    assert key(machine, "y") != before
    machine.program.write_bytes(b"newer")
    assert key(machine) != before


def test_a_snapshot_is_the_same_wherever_its_files_are(machine: Machine) -> None:
    """Their contents count."""
    moved = attrs.evolve(machine, kernel=Path("/elsewhere/k"), initramfs=Path("/elsewhere/i"))

    assert key(moved) == key(machine)
