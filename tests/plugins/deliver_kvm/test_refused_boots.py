"""Whatever a host refuses a guest while it boots: one sentence, and nothing left behind."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from pvbench.errors import PvbenchError, UnavailableError
from pvbench.guest import Guest, parse_guest
from pvbench_deliver_kvm.vmm import booted_guest, fd, layout, uapi
from pvbench_deliver_kvm.vmm.commands import GuestError
from pvbench_deliver_kvm.vmm.fd import IoctlError
from pvbench_deliver_kvm.vmm.kvm import Kvm
from pvbench_deliver_kvm.vmm.vcpu_threads import VcpuThread
from support.kvm import answer, held, refuse, refuse_capability, start_of
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
        known = kvm.check_extension(uapi.KVM_CAP_BINARY_STATS_FD)
    skip_without("kvm", None if known else "this KVM tells no counters", means=False)


def boot(guest: Guest | None = None, **options: Any) -> None:
    """Boot a guest of four CPUs, and end it."""
    with booted_guest.booted_vm(guest or parse_guest("dense:4"), start_of(**options)):
        pass


def told(error: type[PvbenchError] = UnavailableError, **options: Any) -> str:
    """The sentence a boot ends with, after which this process holds what it held."""
    before = held()
    with pytest.raises(error) as raised:
        boot(**options)
    assert before == held()
    return str(raised.value)


@pytest.mark.parametrize("name", NEEDED)
def test_an_ioctl_that_fails_is_named(monkeypatch: Patch, name: str) -> None:
    """With the kernel's reason."""
    refuse(monkeypatch, name, errno.EIO)

    assert told() == f"{name} failed: Input/output error"


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize("name", OF_EACH_VCPU)
def test_each_vcpu_may_be_the_one_that_is_refused(
    monkeypatch: Patch, name: str, after: int
) -> None:
    """Those before it are closed again."""
    refuse(monkeypatch, name, errno.ENOMEM, after=after)

    assert told() == f"{name} failed: Cannot allocate memory"


def test_a_vcpu_takes_a_descriptor(monkeypatch: Patch) -> None:
    """RLIMIT_NOFILE may leave fewer than a guest has vCPUs."""
    refuse(monkeypatch, "KVM_CREATE_VCPU", errno.EMFILE, after=2)

    assert told() == "KVM_CREATE_VCPU failed: Too many open files"


@pytest.mark.usefixtures("needs_counters")
@pytest.mark.parametrize("after", [1, 2, 4])
def test_counters_take_a_descriptor_each(monkeypatch: Patch, after: int) -> None:
    """The first call only asks where they are; then it is known that there are some."""
    refuse(monkeypatch, "KVM_GET_STATS_FD", errno.EMFILE, after=after)

    assert told() == "KVM_GET_STATS_FD failed: Too many open files"


def test_x2apic_ids_need_a_capability(monkeypatch: Patch) -> None:
    """KVM before Linux 4.7 has none, and IDs of 32 bits go nowhere."""
    refuse_capability(monkeypatch, "KVM_CAP_X2APIC_API")

    assert told() == "KVM_ENABLE_CAP of KVM_CAP_X2APIC_API failed: Invalid argument"


def test_halt_polling_cannot_be_set_silently(monkeypatch: Patch) -> None:
    """Whoever asks for it measures with it."""
    refuse_capability(monkeypatch, "KVM_CAP_HALT_POLL")

    boot()
    assert (
        told(halt_poll_ns=0) == "KVM_ENABLE_CAP of KVM_CAP_HALT_POLL failed: Invalid argument"
    )


def test_a_limit_of_ids_is_only_a_favour(monkeypatch: Patch) -> None:
    """KVM before Linux 6.0 refuses it, and needs none."""
    refused: list[int] = []

    def give(calls: int, argument: Any) -> None:
        refused.append(argument._obj.args[0])
        raise IoctlError("KVM_ENABLE_CAP", errno.EINVAL)

    answer(monkeypatch, "KVM_ENABLE_CAP of KVM_CAP_MAX_VCPU_ID", give)
    before = held()
    boot(parse_guest("ids:0,300,5"))

    assert (before, refused) == (held(), [301])


def test_a_signal_may_interrupt_the_creation_twice(monkeypatch: Patch) -> None:
    """The guest boots all the same."""
    refuse(monkeypatch, "KVM_CREATE_VM", errno.EINTR, times=2)
    before = held()

    boot()
    assert before == held()


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
    """As under RLIMIT_AS."""
    refuse_memory(monkeypatch, lambda size, _: size >= layout.MEMORY_SIZE)

    assert told() == "524288 KiB of memory cannot be mapped: Cannot allocate memory"


@pytest.mark.parametrize("before", [0, 3])
def test_a_vcpu_s_memory_may_be_refused(monkeypatch: Patch, before: int) -> None:
    """It has been created by then, and is closed again."""
    refuse_memory(
        monkeypatch, lambda size, vcpus: size < layout.MEMORY_SIZE and vcpus == before
    )

    assert told().endswith(" KiB of memory cannot be mapped: Cannot allocate memory")


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_thread_may_be_refused(monkeypatch: Patch, number: int) -> None:
    """Those that run already are ended, in the guest as they are."""
    begin = VcpuThread.start

    def start(thread: VcpuThread) -> None:
        if thread.number == number:
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(VcpuThread, "start", start)

    assert told() == (
        f"the thread of vCPU {number} cannot be created: can't start new thread. "
        "Check RLIMIT_NPROC and pids.max."
    )


@pytest.mark.parametrize(
    "number", [errno.EFAULT, errno.ENOSYS, errno.EPERM], ids=errno.errorcode.get
)
def test_a_vcpu_that_cannot_run_is_told_by_its_number(monkeypatch: Patch, number: int) -> None:
    """Its thread ends, and the guest with it."""
    refuse(monkeypatch, "KVM_RUN", number)

    expected = rf"^CPU [0-3]: KVM_RUN failed: {os.strerror(number)}$"
    before = held()
    with pytest.raises(GuestError, match=expected):
        boot()
    assert before == held()


@pytest.mark.parametrize("number", [errno.EINTR, errno.EAGAIN], ids=errno.errorcode.get)
def test_a_vcpu_runs_on_after_a_signal(monkeypatch: Patch, number: int) -> None:
    """Each of the four is interrupted at once."""
    refuse(monkeypatch, "KVM_RUN", number, times=4)
    before = held()

    boot()
    assert before == held()
