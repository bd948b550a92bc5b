"""What runs in a lab: the first process and the agent, in this process as far as they can."""

from __future__ import annotations

import fcntl
import io
import mmap
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from pvbench.delivery import Options
from pvbench.errors import UnavailableError
from pvbench.host import pv_ipi_abi
from pvbench.protocol import Describe, DescriptionReport, ErrorReport, decode, encode
from pvbench_site_lab.inside import agent, held_vm, init
from pvbench_site_lab.shared_memory import SIZE, SharedMemory


class Kernel:
    """The calls of the C library that the first process makes, and the answers to them."""

    def __init__(self, *, mounts: int = 0, loads: int = 0) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.mounts, self.loads = mounts, loads

    def mount(self, *arguments: object) -> int:
        self.calls.append(("mount", *arguments[:3]))
        return self.mounts

    def syscall(self, number: int, file: int, parameters: bytes, flags: int) -> int:
        self.calls.append(("load", os.pread(file, 99, 0), parameters))
        return self.loads

    def ioctl(self, file: IO[bytes], request: int, argument: bytes) -> int:
        self.calls.append(("ioctl", file.name, request, argument))
        return 0

    def reboot(self, command: int) -> int:
        self.calls.append(("reboot", command))
        raise EndError


class EndError(Exception):
    """The machine is off."""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Kernel]:
    """A machine with two modules, and with /dev/kvm if that is asked for."""

    def make(*, has_kvm: bool = True, **answers: int) -> Kernel:
        kernel = Kernel(**answers)
        monkeypatch.setattr(init, "_libc", kernel)
        modules = tmp_path / "mod"
        modules.mkdir()
        (modules / "01-kvm_amd.ko").write_bytes(b"amd")
        (modules / "00-kvm.ko").write_bytes(b"kvm")
        monkeypatch.setattr(init, "_MODULES", modules)
        cmdline = tmp_path / "cmdline"
        cmdline.write_text("quiet kvm.halt_poll_ns=0 kvm.a=b kvm_amd.nested=1 panic=-1\n")
        monkeypatch.setattr(init, "_CMDLINE", cmdline)
        device = tmp_path / "kvm"
        if has_kvm:
            device.touch()
        monkeypatch.setattr(init, "_KVM", device)
        monkeypatch.setattr(init, "_RANDOM", Path("/dev/null"))
        monkeypatch.setattr("fcntl.ioctl", kernel.ioctl)
        return kernel

    return make


def test_modules_are_loaded_in_order_with_their_parameters(
    machine: Callable[..., Kernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As modprobe would from the kernel's command line."""
    kernel = machine()
    monkeypatch.setattr(agent, "serve", lambda: None)
    with pytest.raises(EndError):
        init.main()

    assert [call for call in kernel.calls if call[0] == "load"] == [
        ("load", b"kvm", b"halt_poll_ns=0 a=b"),
        ("load", b"amd", b"nested=1"),
    ]
    assert ("mount", b"tracefs", b"/sys/kernel/tracing", b"tracefs") in kernel.calls
    assert kernel.calls[-1] == ("reboot", 0x4321FEDC)


def test_no_process_waits_for_random_numbers(
    machine: Callable[..., Kernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel gets 256 bits before its modules are loaded, the same in every lab."""
    kernel = machine()
    monkeypatch.setattr(agent, "serve", lambda: None)
    with pytest.raises(EndError):
        init.main()
    names = [call[0] for call in kernel.calls]
    (_, file, request, argument) = kernel.calls[names.index("ioctl")]

    assert names.index("ioctl") < names.index("load")
    assert (file, request) == ("/dev/null", 0x40085203)
    assert argument == struct.pack("ii", 256, 32) + bytes(range(32))


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ({"loads": -1}, "pvbench-lab: module kvm cannot be loaded: "),
        ({"has_kvm": False}, "pvbench-lab: the kernel has no /dev/kvm, so its KVM does not"),
    ],
)
def test_the_reason_is_printed_before_the_machine_ends(
    machine: Callable[..., Kernel],
    capsys: pytest.CaptureFixture[str],
    answers: dict[str, int],
    line: str,
) -> None:
    """The host reads it from the console."""
    machine(**answers)
    with pytest.raises(EndError):
        init.main()

    assert line in capsys.readouterr().out


def test_a_bug_of_the_agent_is_named_with_its_type(
    machine: Callable[..., Kernel],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It ends the machine too."""
    machine()

    def fail() -> None:
        raise LookupError("no such thing")

    monkeypatch.setattr(agent, "serve", fail)
    with pytest.raises(EndError):
        init.main()

    assert "pvbench-lab: LookupError: no such thing\n" in capsys.readouterr().out


def test_a_file_system_that_the_kernel_lacks_is_only_named(
    machine: Callable[..., Kernel],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A kernel without tracefs can do the rest."""
    machine(mounts=-1)
    monkeypatch.setattr(agent, "serve", lambda: None)
    with pytest.raises(EndError):
        init.main()

    assert "tracefs is not mounted: " in capsys.readouterr().out


REQUEST = Describe("model", "pvbench_deliver_model", Options())


def test_a_request_is_answered_by_its_kind() -> None:
    """A description, or a boot, which says what is wrong with its job."""
    outputs = []
    for request in (encode(REQUEST), "nonsense\n"):
        output = io.StringIO()
        agent.answer(request, output)
        outputs.append(decode(output.getvalue()))

    assert isinstance(outputs[0], DescriptionReport)
    assert outputs[1] == ErrorReport("a worker starts with a job", 5)


def test_each_request_is_answered_in_a_process_of_its_own() -> None:
    """A failure there is its exit status."""
    with mmap.mmap(-1, SIZE) as mapped:
        memory = SharedMemory(mapped)
        memory.put(encode(REQUEST))
        statuses = [
            os.waitpid(agent.forked(request, memory), 0)[1]
            for request in (encode(REQUEST), "#pvbench/99 2 00000000 {}\n")
        ]
        (line,) = memory.answer(0).decode().splitlines()

    assert isinstance(decode(line), DescriptionReport)
    assert [os.waitstatus_to_exitcode(status) for status in statuses] == [0, 1]


@pytest.mark.parametrize("cpus", [1, 4])
def test_the_agent_serves_from_the_memory_of_a_device(
    cpus: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The device is found by its numbers, and enabled; then the host sees that it is ready.

    Before that a machine with several CPUs gets a guest that is kept.
    """
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)
    monkeypatch.setattr(held_vm, "hold_vm", (tmp_path / "held").touch)
    devices = {"0000:00:01.0": ("0x8086", "0x7000"), "0000:00:04.0": ("0x1af4", "0x1110")}
    for name, (vendor, device) in devices.items():
        folder = tmp_path / "devices" / name
        folder.mkdir(parents=True)
        (folder / "vendor").write_text(f"{vendor}\n")
        (folder / "device").write_text(f"{device}\n")
        with (folder / "resource2").open("wb") as file:
            file.truncate(SIZE)
    (tmp_path / "modules").write_text("pvbench.protocol\nwave")
    monkeypatch.setattr(agent, "_DEVICES", tmp_path / "devices")
    monkeypatch.setattr(agent, "MODULES", tmp_path / "modules")
    descriptor = os.open(tmp_path / "devices/0000:00:04.0/resource2", os.O_RDWR)
    host = SharedMemory(mmap.mmap(descriptor, SIZE))
    host.put(encode(REQUEST))
    child = os.fork()
    if not child:
        agent.serve()
    try:
        while host.status is None:
            pass
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)

    assert host.is_ready
    assert (tmp_path / "held").exists() == (cpus > 1)
    assert (tmp_path / "devices/0000:00:04.0/enable").read_text() == "1"
    assert isinstance(decode(host.answer(0).decode()), DescriptionReport)


@pytest.fixture
def no_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine in which the agent cannot serve."""
    (tmp_path / "devices").mkdir()
    monkeypatch.setattr(agent, "_DEVICES", tmp_path / "devices")
    monkeypatch.setattr(agent, "MODULES", Path(os.devnull))
    yield
    pv_ipi_abi.write_with(None)


@pytest.mark.usefixtures("no_device")
def test_the_agent_lets_a_patched_kvm_serve_what_a_guest_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lab has no guests but those of its jobs."""
    parameter = tmp_path / "pv_ipi_abi"
    parameter.write_text("merged\n")
    monkeypatch.setattr(pv_ipi_abi, "PARAMETER", parameter)
    with pytest.raises(OSError, match="no device"):
        agent.serve()
    pv_ipi_abi.serve("kvm-cluster128")

    assert pv_ipi_abi.read() == "cluster128"


def test_an_abi_that_the_kernel_refuses_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another series of patches may know fewer of them."""
    monkeypatch.setattr(pv_ipi_abi, "PARAMETER", Path("/dev/full"))

    with pytest.raises(UnavailableError, match=r"refuses v3 for kvm\.pv_ipi_abi: No space"):
        agent.write_pv_ipi_abi("v3")


@pytest.mark.usefixtures("no_device")
def test_a_machine_without_the_device_is_an_error() -> None:
    """As if QEMU were started by hand."""
    with pytest.raises(OSError, match="the machine has no device ivshmem"):
        agent.serve()


def test_the_guest_that_is_kept_has_a_vcpu_and_interrupt_controllers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its APIC has the state after reset, which is disabled by software."""
    calls = []

    def ioctl(file: int, request: int, argument: int) -> int:
        calls.append((file, request, argument))
        return {0xAE01: 70, 0xAE60: 0, 0xAE41: 71}[request]

    monkeypatch.setattr(held_vm, "DEVICE", Path(os.devnull))
    monkeypatch.setattr(fcntl, "ioctl", ioctl)

    assert held_vm.hold_vm() == (70, 71)
    assert [call[1:] for call in calls] == [(0xAE01, 0), (0xAE60, 0), (0xAE41, 0)]
    assert [file for file, _, _ in calls[1:]] == [70, 70]
