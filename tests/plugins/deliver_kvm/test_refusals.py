"""A host without a usable /dev/kvm: one sentence that says why and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from pvbench.delivery import Options
from pvbench.errors import UnavailableError
from pvbench_deliver_kvm import build
from pvbench_deliver_kvm.delivery import KvmDelivery
from pvbench_deliver_kvm.vmm import kvm
from pvbench_deliver_kvm.vmm.fd import IoctlError
from pvbench_deliver_kvm.vmm.kvm import Kvm
from support.kvm import answer, process_state, refuse

CAPABILITIES = {
    "KVM_CAP_IRQCHIP": 0,
    "KVM_CAP_MP_STATE": 14,
    "KVM_CAP_SIGNAL_MSI": 77,
    "KVM_CAP_IMMEDIATE_EXIT": 136,
}
NULL = Path(os.devnull)
GROUP = "Add yourself to group kvm, or run with --delivery model."


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Answers as KVM's; the value of each capability, which is 1 by default."""
    capabilities: dict[int, int] = {}
    answer(monkeypatch, "KVM_GET_API_VERSION", lambda calls, _: 12)
    answer(monkeypatch, "KVM_CHECK_EXTENSION", lambda calls, cap: capabilities.get(cap, 1))
    answer(monkeypatch, "KVM_GET_VCPU_MMAP_SIZE", lambda calls, _: 4096)
    return capabilities


def refusal(device: Path = NULL) -> str:
    """The sentence of the error, after which nothing is left open."""
    before = process_state()
    with pytest.raises(UnavailableError) as error:
        Kvm.open(device)
    assert before == process_state()
    return str(error.value)


def test_a_device_with_all_capabilities_is_available(
    answers: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests below take one thing away each."""
    monkeypatch.setattr(build, "image", lambda: b"")
    monkeypatch.setattr(kvm, "DEVICE", NULL)
    before = process_state()

    assert KvmDelivery().why_unavailable() is None
    assert before == process_state()


def test_a_host_without_the_device_lacks_a_module(tmp_path: Path) -> None:
    """One of kvm_intel and kvm_amd creates it."""
    assert refusal(tmp_path / "kvm") == (
        f"{tmp_path}/kvm cannot be opened: No such file or directory. "
        "Load kvm_intel or kvm_amd, or run with --delivery model."
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EACCES, f"cannot be opened: Permission denied. {GROUP}"),
        (errno.EPERM, f"cannot be opened: Operation not permitted. {GROUP}"),
        (errno.EBUSY, "cannot be opened: Device or resource busy. "),
        (errno.EMFILE, "cannot be opened: Too many open files. "),
        (errno.ENXIO, "cannot be opened: No such device or address. "),
    ],
    ids=errno.errorcode.get,
)
def test_the_reason_names_why_a_device_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch, number: int, expected: str
) -> None:
    """The kernel's own reason, and a hint if there is a usual cause."""

    def refused(path: Path, flags: int) -> int:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(UnavailableError) as error:
        Kvm.open()

    assert str(error.value).startswith(f"/dev/kvm {expected}")
    assert str(error.value).endswith("run with --delivery model.")


def test_a_plain_file_is_not_kvm(tmp_path: Path) -> None:
    """A container may have one of that name."""
    (tmp_path / "kvm").write_bytes(b"")

    assert (
        refusal(tmp_path / "kvm")
        == "KVM_GET_API_VERSION failed: Inappropriate ioctl for device"
    )


@pytest.mark.parametrize("version", [11, 13])
def test_there_is_one_version_of_the_api(
    answers: dict[int, int], monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """It is 12 since Linux 2.6.22; api.rst says to refuse any other."""
    answer(monkeypatch, "KVM_GET_API_VERSION", lambda calls, _: version)

    assert refusal() == f"KVM has API version {version}, and pvbench needs 12"


@pytest.mark.parametrize(("name", "number"), CAPABILITIES.items(), ids=CAPABILITIES.keys())
def test_a_missing_capability_is_named(answers: dict[int, int], name: str, number: int) -> None:
    """Every guest needs all of them."""
    answers[number] = 0

    assert refusal() == f"KVM on this host lacks {name}"


def test_a_refused_check_of_a_capability_is_an_error(
    answers: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter of system calls may refuse it."""
    refuse(monkeypatch, "KVM_CHECK_EXTENSION", errno.EPERM)

    assert refusal() == "KVM_CHECK_EXTENSION failed: Operation not permitted"


@pytest.mark.parametrize(
    ("vcpus", "ids", "usual", "expected"),
    [
        pytest.param(288, 1023, 64, (288, 1023), id="both"),
        pytest.param(288, 0, 64, (288, 288), id="ids-end-with-the-vcpus"),
        pytest.param(0, 0, 64, (64, 64), id="only-the-usual-number"),
        pytest.param(0, 0, 0, (4, 4), id="neither"),
        pytest.param(5000, 9000, 64, (4096, 9000), id="more-than-the-guest-has-room-for"),
    ],
)
def test_limits_are_those_of_the_api_s_description(
    answers: dict[int, int], vcpus: int, ids: int, usual: int, expected: tuple[int, int]
) -> None:
    """MAX_VCPUS and MAX_VCPU_ID have defaults where KVM lacks the capability."""
    answers |= {66: vcpus, 128: ids, 9: usual}

    with Kvm.open(NULL) as opened:
        limits = opened.limits()

    assert limits == dict(zip(("max_vcpus", "max_vcpu_id"), expected, strict=True))


def test_kvm_create_vm_is_repeated_after_a_signal(
    answers: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails with EINTR then."""
    requests: list[int] = []

    def give(calls: int, argument: Any) -> int:
        requests.append(calls)
        if calls < 2:
            raise IoctlError("KVM_CREATE_VM", errno.EINTR)
        return os.open(os.devnull, os.O_RDONLY)

    answer(monkeypatch, "KVM_CREATE_VM", give)
    with Kvm.open(NULL) as opened, opened.create_vm() as vm:
        number = vm.number

    assert (number >= 0, requests) == (True, [0, 1, 2])


def test_kvm_create_vm_is_not_repeated_after_another_error(
    answers: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeating it would never end."""
    refuse(monkeypatch, "KVM_CREATE_VM", errno.EBUSY)

    with (
        Kvm.open(NULL) as opened,
        pytest.raises(IoctlError, match=r"^KVM_CREATE_VM failed: Dev"),
    ):
        opened.create_vm()


def test_describing_fails_with_the_missing_capability(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The device may go between two looks at it."""
    monkeypatch.setattr(kvm, "DEVICE", tmp_path / "kvm")

    with pytest.raises(UnavailableError, match=r"/kvm cannot be opened: No such file"):
        KvmDelivery().describe(Options())
