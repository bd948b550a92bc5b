"""A host may refuse each step of a boot: one sentence, and every resource is released."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from pvbench.errors import PvbenchError, UnavailableError
from pvbench.guest import Guest
from pvbench.topology import parse_guest
from pvbench_deliver_kvm.vmm import booted_guest, fd, layout, uapi
from pvbench_deliver_kvm.vmm.commands import GuestError
from pvbench_deliver_kvm.vmm.fd import IoctlError
from pvbench_deliver_kvm.vmm.kvm import Kvm
from pvbench_deliver_kvm.vmm.vcpu_threads import VcpuThread
from support.kvm import answer, process_state, refuse, refuse_capability, start_of
from support.require import skip_without

pytestmark = pytest.mark.usefixtures("needs_kvm")

Patch = pytest.MonkeyPatch

# Of a boot, in its order; KVM_GET_STATS_FD and the TSC offsets may be refused.
NEEDED = (
    "KVM_GET_VCPU_MMAP_SIZE",
    "KVM_CREATE_VM",
    "KVM_SET_TSS_ADDR",
    "KVM_CREATE_IRQCHIP",
    "KVM_SET_USER_MEMORY_REGION",
    "KVM_GET_SUPPORTED_CPUID",
    "KVM_GET_TSC_KHZ",
)
OF_EACH_VCPU = (
    "KVM_CREATE_VCPU",
    "KVM_SET_SIGNAL_MASK",
    "KVM_SET_CPUID2",
    "KVM_GET_SREGS",
    "KVM_SET_SREGS",
    "KVM_SET_REGS",
    "KVM_SET_MP_STATE",
)


@pytest.fixture
def needs_counters() -> None:
    """KVM has files of counters since Linux 5.14."""
    with Kvm.open() as kvm:
        has_files = kvm.check_extension(uapi.KVM_CAP_BINARY_STATS_FD)
    skip_without("kvm", None if has_files else "this KVM has no files of counters", means=False)


def boot(guest: Guest | None = None, **options: Any) -> None:
    """Boot a guest of four CPUs, and end it."""
    with booted_guest.booted_vm(guest or parse_guest("dense:4"), start_of(**options)):
        pass


def refusal(error: type[PvbenchError] = UnavailableError, **options: Any) -> str:
    """The error message of a boot that fails, which releases all that it took."""
    before = process_state()
    with pytest.raises(error) as raised:
        boot(**options)
    assert before == process_state()
    return str(raised.value)


@pytest.mark.parametrize("name", NEEDED)
def test_an_ioctl_that_fails_is_named(monkeypatch: Patch, name: str) -> None:
    """The message has the kernel's reason."""
    refuse(monkeypatch, name, errno.EIO)

    assert refusal() == f"{name} failed: Input/output error"


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize("name", OF_EACH_VCPU)
def test_any_vcpu_may_be_refused(monkeypatch: Patch, name: str, after: int) -> None:
    """The vCPUs before it are closed."""
    refuse(monkeypatch, name, errno.ENOMEM, after=after)

    assert refusal() == f"{name} failed: Cannot allocate memory"


def test_each_vcpu_takes_a_descriptor(monkeypatch: Patch) -> None:
    """RLIMIT_NOFILE may allow fewer than the guest has vCPUs."""
    refuse(monkeypatch, "KVM_CREATE_VCPU", errno.EMFILE, after=2)

    assert refusal() == "KVM_CREATE_VCPU failed: Too many open files"


@pytest.mark.usefixtures("needs_counters")
@pytest.mark.parametrize("after", [1, 2, 4])
def test_counters_take_a_descriptor_each(monkeypatch: Patch, after: int) -> None:
    """The first call reads where the counters are; the others must not fail."""
    refuse(monkeypatch, "KVM_GET_STATS_FD", errno.EMFILE, after=after)

    assert refusal() == "KVM_GET_STATS_FD failed: Too many open files"


def test_x2apic_ids_need_a_capability(monkeypatch: Patch) -> None:
    """KVM before Linux 4.7 lacks it, and cannot send an MSI to a 32-bit APIC ID."""
    refuse_capability(monkeypatch, "KVM_CAP_X2APIC_API")

    assert refusal() == "KVM_ENABLE_CAP of KVM_CAP_X2APIC_API failed: Invalid argument"


def test_a_refused_halt_polling_limit_is_an_error(monkeypatch: Patch) -> None:
    """The limit that was asked for is part of the measurement."""
    refuse_capability(monkeypatch, "KVM_CAP_HALT_POLL")

    boot()
    assert (
        refusal(halt_poll_ns=0)
        == "KVM_ENABLE_CAP of KVM_CAP_HALT_POLL failed: Invalid argument"
    )


def test_the_limit_of_vcpu_ids_is_optional(monkeypatch: Patch) -> None:
    """KVM before Linux 6.0 lacks the capability and needs no limit."""
    refused: list[int] = []

    def give(calls: int, argument: Any) -> None:
        refused.append(argument._obj.args[0])
        raise IoctlError("KVM_ENABLE_CAP", errno.EINVAL)

    answer(monkeypatch, "KVM_ENABLE_CAP of KVM_CAP_MAX_VCPU_ID", give)
    before = process_state()
    boot(parse_guest("ids:0,300,5"))

    assert (before, refused) == (process_state(), [301])


def test_kvm_create_vm_is_repeated_after_a_signal(monkeypatch: Patch) -> None:
    """After two signals the guest boots."""
    refuse(monkeypatch, "KVM_CREATE_VM", errno.EINTR, times=2)
    before = process_state()

    boot()
    assert before == process_state()


def refuse_memory(monkeypatch: Patch, refused: Callable[[int, int], bool]) -> None:
    """Let mmap fail where *refused* says so of (size, mappings of vCPUs before)."""
    kernel: Callable[..., int] = fd._mmap
    files: list[int] = []

    def mmap(address: None, size: int, *rest: int) -> int:
        if refused(size, len(files)):
            ctypes.set_errno(errno.ENOMEM)
            return (1 << 64) - 1
        *_, file, _ = rest
        files.extend([file] if file >= 0 else [])
        return kernel(address, size, *rest)

    monkeypatch.setattr(fd, "_mmap", mmap)


def test_the_guest_s_memory_may_be_refused(monkeypatch: Patch) -> None:
    """RLIMIT_AS has the same effect."""
    refuse_memory(monkeypatch, lambda size, _: size >= layout.MEMORY_SIZE)

    assert refusal() == "524288 KiB of memory cannot be mapped: Cannot allocate memory"


@pytest.mark.parametrize("before", [0, 3])
def test_a_vcpu_s_memory_may_be_refused(monkeypatch: Patch, before: int) -> None:
    """The vCPU exists by then, and is closed."""
    refuse_memory(
        monkeypatch, lambda size, vcpus: size < layout.MEMORY_SIZE and vcpus == before
    )

    assert refusal().endswith(" KiB of memory cannot be mapped: Cannot allocate memory")


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_thread_may_be_refused(monkeypatch: Patch, number: int) -> None:
    """The threads that run already are stopped, though they are in KVM_RUN."""
    begin = VcpuThread.start

    def start(thread: VcpuThread) -> None:
        if thread.number == number:
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(VcpuThread, "start", start)

    assert refusal() == (
        f"the thread of vCPU {number} cannot be created: can't start new thread. "
        "Check RLIMIT_NPROC and pids.max."
    )


@pytest.mark.parametrize(
    "number", [errno.EFAULT, errno.ENOSYS, errno.EPERM], ids=errno.errorcode.get
)
def test_a_vcpu_that_cannot_run_is_named(monkeypatch: Patch, number: int) -> None:
    """The message has its number; its thread ends, and so does the guest."""
    refuse(monkeypatch, "KVM_RUN", number)

    expected = rf"^CPU [0-3]: KVM_RUN failed: {os.strerror(number)}$"
    before = process_state()
    with pytest.raises(GuestError, match=expected):
        boot()
    assert before == process_state()


@pytest.mark.parametrize("number", [errno.EINTR, errno.EAGAIN], ids=errno.errorcode.get)
def test_a_vcpu_runs_on_after_a_signal(monkeypatch: Patch, number: int) -> None:
    """Each of the four is interrupted when it runs first."""
    refuse(monkeypatch, "KVM_RUN", number, times=4)
    before = process_state()

    boot()
    assert before == process_state()
