"""A guest that needs more than the host has is refused before it starts."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from pvbench.errors import UnavailableError
from pvbench.topology import parse_guest
from pvbench_deliver_kvm.vmm import booted_guest, limits
from pvbench_deliver_kvm.vmm.kvm import Kvm

VERSION_1 = ("8:pids:/a/b\n0::/\n", "sys/fs/cgroup/pids/a/b")
VERSION_2 = ("0::/a/b\n", "sys/fs/cgroup/a/b")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with much memory, no limits, and no processes."""
    (tmp_path / "proc/self").mkdir(parents=True)
    memory(tmp_path, mib=1 << 20)
    monkeypatch.setattr(
        resource, "getrlimit", lambda resource_id: (resource.RLIM_INFINITY,) * 2
    )
    return tmp_path


def memory(root: Path, mib: int) -> None:
    (root / "proc/meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {mib << 10} kB\n")


def group(
    root: Path, version: tuple[str, str], *, maximum: str, current: int, level: int = 0
) -> None:
    """Limit the group *level* levels above this process's."""
    cgroup, folder = version
    (root / "proc/self/cgroup").write_text(cgroup)
    (root / folder).mkdir(parents=True, exist_ok=True)
    limited = (root / folder / "x").parents[level]
    (limited / "pids.max").write_text(f"{maximum}\n")
    (limited / "pids.current").write_text(f"{current}\n")


def user(monkeypatch: pytest.MonkeyPatch, root: Path, *, limit: int, threads: int) -> None:
    """A user other than root, with so many threads in two processes."""
    limits = {resource.RLIMIT_NPROC: (limit, limit)}
    free = (resource.RLIM_INFINITY,) * 2
    monkeypatch.setattr(
        resource, "getrlimit", lambda resource_id: limits.get(resource_id, free)
    )
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid or 0xFFFF)
    for number in range(threads):
        (root / f"proc/{number % 2 + 1}/task/{number}").mkdir(parents=True)
        os.chown(root / f"proc/{number % 2 + 1}", os.geteuid(), -1)


def test_a_guest_needs_available_memory(root: Path) -> None:
    """As much as the vCPUs may take."""
    needed = (limits.KIB_PER_GUEST + 8 * limits.KIB_PER_VCPU) >> 10
    memory(root, mib=needed)
    limits.check(8, root)
    memory(root, mib=needed - 1)

    with pytest.raises(UnavailableError, match=f"need {needed} MiB .* {needed - 1} MiB are"):
        limits.check(8, root)


@pytest.mark.parametrize("version", [VERSION_1, VERSION_2], ids=["version-1", "version-2"])
@pytest.mark.parametrize("level", [0, 1, 2], ids=["own", "parent", "root"])
def test_cgroups_limit_threads(root: Path, version: tuple[str, str], level: int) -> None:
    """The process's own cgroup and its parents."""
    group(root, version, maximum="20", current=12, level=level)
    limits.check(8, root)

    with pytest.raises(UnavailableError, match=r"9 vCPUs need .* pids.max allows 8 more"):
        limits.check(9, root)


def test_a_cgroup_may_have_a_name_of_any_bytes(root: Path) -> None:
    """The kernel takes any name of a folder; a line of another shape is passed over."""
    folder = root / os.fsdecode(b"sys/fs/cgroup/\xff")
    folder.mkdir(parents=True)
    (folder / "pids.max").write_bytes(b"20\n")
    (folder / "pids.current").write_bytes(b"12\n")
    (root / "proc/self/cgroup").write_bytes(b"nothing\n0::/\xff\n")

    with pytest.raises(UnavailableError, match=r"9 vCPUs need .* pids.max allows 8 more"):
        limits.check(9, root)


def test_a_number_that_is_none_limits_nothing(root: Path) -> None:
    """An emulated /proc may have any text."""
    (root / "proc/meminfo").write_bytes(b"MemAvailable: " + b"9" * 5000 + b" kB\n\xff")
    group(root, VERSION_2, maximum="\x00", current=12)

    limits.check(4096, root)


def test_a_cgroup_may_be_unlimited(root: Path) -> None:
    """pids.max reads ``max`` then."""
    group(root, VERSION_2, maximum="max", current=12)

    limits.check(4096, root)


def test_a_full_cgroup_allows_no_thread(root: Path) -> None:
    """Its limit may have been lowered since."""
    group(root, VERSION_2, maximum="20", current=30)

    with pytest.raises(UnavailableError, match="allows 0 more"):
        limits.check(1, root)


def test_a_user_s_threads_are_limited(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """RLIMIT_NPROC counts the threads that the user has already."""
    user(monkeypatch, root, limit=10, threads=6)
    limits.check(4, root)

    with pytest.raises(UnavailableError, match="RLIMIT_NPROC allows 4 more"):
        limits.check(5, root)


def test_threads_of_other_users_are_not_counted(
    monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    """Another user's limit does not matter."""
    user(monkeypatch, root, limit=10, threads=6)
    monkeypatch.setattr(os, "geteuid", lambda: 0xFFFE)

    limits.check(10, root)


@pytest.mark.parametrize("hard", [200, resource.RLIM_INFINITY], ids=["limited", "unlimited"])
def test_the_limit_of_open_files_is_raised_if_it_may_be(
    monkeypatch: pytest.MonkeyPatch, root: Path, hard: int
) -> None:
    """Two for each vCPU, and those that are open already."""
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda resource_id: (100, hard))
    monkeypatch.setattr(
        resource, "setrlimit", lambda resource_id, limits: raised.append(limits)
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (root / "proc/self/fd").mkdir()
    for number in range(4):
        (root / f"proc/self/fd/{number}").touch()

    limits.check(40, root)
    assert raised == []
    limits.check(41, root)
    assert raised == [(limits.FILES_PER_GUEST + 86, hard)]


def test_more_files_than_the_hard_limit_are_refused(
    monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    """Rather than when the last vCPU is created."""
    monkeypatch.setattr(resource, "getrlimit", lambda number: (100, 200))
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(UnavailableError, match=r"93 vCPUs need 202 open .* allows 200"):
        limits.check(93, root)


def test_a_limit_that_cannot_be_read_is_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Here /proc and /sys do not exist."""
    monkeypatch.setattr(resource, "getrlimit", lambda number: (resource.RLIM_INFINITY,) * 2)

    limits.check(4096, tmp_path)


def test_the_limits_are_checked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device is not even opened."""
    monkeypatch.setattr(resource, "getrlimit", lambda number: (1, 1))
    start = booted_guest.Start(image=b"", hypercall_abi=0, cpus=(), patience_s=1.0)

    with (
        pytest.raises(UnavailableError, match=r"2 vCPUs need \d+ open files"),
        booted_guest.booted_vm(parse_guest("dense:2"), start, open_kvm=never),
    ):
        pass


def never() -> Kvm:
    """Fail the test: the device is opened."""
    pytest.fail("KVM is opened")
